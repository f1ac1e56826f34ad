/** `godel worktree create|setup|logs`: the output of set-up commands is shown while they run, as it is by `spawn`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from '../../client/client.ts';
import { operations } from '../../operations.ts';
import { type CliContext, globalFlags } from '../context.ts';
import { printResult } from '../output.ts';

const LOOK_MS = 250;
type Hook = 'setup' | 'teardown';

interface Follower {
  /** Shows what is new; true while the command runs. */
  look(): Promise<boolean>;
}

/** Follows a log; with `after`, only that of a later run. */
function createFollower(client: Client, bead: string, hook: Hook, show: (text: string) => void, after = -1): Follower {
  let offset = 0;
  return {
    async look() {
      const part = await client.call('worktreeLogs', { bead, hook, offset });
      if (part.run <= after) return false;
      if (part.text !== '') show(part.text);
      offset = part.next;
      return part.running;
    },
  };
}

/** Runs `work` and shows the output of its command meanwhile. A look that fails shows nothing; the work tells why. */
async function following<T>(work: Promise<T>, follower: Follower): Promise<T> {
  const settled = work.then(
    () => true,
    () => true,
  );
  for (;;) {
    const isOver = await Promise.race([settled, delay(LOOK_MS, false)]);
    await follower.look().catch(() => false);
    if (isOver) return work;
  }
}

/** Begins what waits for the set-up command of a bead's worktree, and shows what that prints meanwhile. */
export async function followingSetup<T>(
  context: CliContext,
  client: Client,
  bead: string,
  begin: () => Promise<T>,
): Promise<T> {
  const before = await client.call('worktreeLogs', { bead }).catch(() => ({ run: 0 }));
  return following(begin(), createFollower(client, bead, 'setup', context.streams.err, before.run));
}

function stopOnInterrupt(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  return stop.signal;
}

function addFollowed(
  parent: Command,
  context: CliContext,
  verb: string,
  key: 'worktreeCreate' | 'worktreeSetup',
): void {
  const command = parent.commands.find((each) => each.name() === verb);
  if (!command) return;
  const operation = operations[key];
  command.action(async (bead: string) => {
    const flags = globalFlags(command);
    const client = await context.connect(flags);
    const { base, sparse, dryRun } = command.opts<{ base?: string; sparse?: string[]; dryRun?: boolean }>();
    const input = {
      bead,
      ...(base === undefined ? {} : { base }),
      ...(sparse === undefined ? {} : { sparse }),
      ...(dryRun ? { dryRun } : {}),
    };
    const before = await client.call('worktreeLogs', { bead });
    const work = client.call(key, input, { signal: stopOnInterrupt() });
    const follower = createFollower(client, bead, 'setup', context.streams.err, before.run);
    const data = await (dryRun ? work : following<unknown>(work, follower));
    printResult(context.streams, data, operation.text as (data: unknown) => string, flags.json);
  });
}

function addFollow(parent: Command, context: CliContext): void {
  const command = parent.commands.find((each) => each.name() === 'logs');
  if (!command) return;
  command.option('-f, --follow', 'go on until the command has ended');
  command.action(async (bead: string) => {
    const flags = globalFlags(command);
    const { hook, offset, follow } = command.opts<{ hook?: Hook; offset?: string; follow?: boolean }>();
    const client = await context.connect(flags);
    const input = {
      bead,
      ...(hook === undefined ? {} : { hook }),
      ...(offset === undefined ? {} : { offset: Number(offset) }),
    };
    if (!follow) {
      const data = await client.call('worktreeLogs', input);
      return printResult(context.streams, data, operations.worktreeLogs.text as (data: unknown) => string, flags.json);
    }
    const follower = createFollower(client, bead, hook ?? 'setup', context.streams.out);
    while (await follower.look()) await delay(LOOK_MS);
  });
}

export function addWorktree(program: Command, context: CliContext): void {
  const parent = program.commands.find((each) => each.name() === 'worktree');
  if (!parent) return;
  addFollowed(parent, context, 'create', 'worktreeCreate');
  addFollowed(parent, context, 'setup', 'worktreeSetup');
  addFollow(parent, context);
}

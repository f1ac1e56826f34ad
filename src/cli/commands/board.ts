/** `godel` alone: the board and the agents' panes on this terminal. */
import type { Command } from 'commander';
import { failure } from '../../errors.ts';
import { boardRoute } from '../../system/board-route.ts';
import { type CliContext, type GlobalFlags, globalFlags } from '../context.ts';
import { handOver } from './terminal.ts';

/** Opens the screen on this terminal and resolves when the person detaches. */
export async function openBoard(context: CliContext, flags: GlobalFlags): Promise<void> {
  if (!context.isTerminal) throw failure('not-a-terminal');
  const client = await context.connect(flags);
  const { columns, rows } = process.stdout;
  const { command } = (await client.send(boardRoute, { columns, rows })) as { command: string[] };
  context.exit(await handOver(command, context.env));
}

export function addBoard(program: Command, context: CliContext): void {
  program.argument('[command]').action(async (word: string | undefined, _options, command: Command) => {
    if (word !== undefined) throw failure('unknown-command', { command: word });
    await openBoard(context, globalFlags(command));
  });
}

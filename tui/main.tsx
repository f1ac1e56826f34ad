/** Entry of the board (dist/board.js): wires the real daemon, terminal and CLI. */
import './environment.ts';
import { join } from 'node:path';
import { messageOf } from '../src/base/error.ts';
import { homePaths } from '../src/base/paths.ts';
import { run } from '../src/base/process.ts';
import { createClient } from '../src/client/client.ts';
import { startBoard } from './board.tsx';
import type { CommandResult } from './ports.ts';
import { createSetupMemory } from './setup-memory.ts';

const COMMAND_TIMEOUT_MS = 600_000;

/** The CLI lies beside this file once both are built. */
const cliFile = join(import.meta.dirname, 'godel.js');

async function runCli(args: readonly string[]): Promise<CommandResult> {
  const project = process.env.GODEL_PROJECT;
  const named = project ? ['--project', project, ...args] : args;
  try {
    const result = await run(process.execPath, [cliFile, ...named], {
      timeoutMs: COMMAND_TIMEOUT_MS,
      env: { ...process.env, NO_COLOR: '1' },
    });
    const ending = result.timedOut ? `\nStopped after ${COMMAND_TIMEOUT_MS / 1000} s.` : '';
    return { code: result.code ?? 1, output: `${result.stdout}${result.stderr}${ending}` };
  } catch (error) {
    return { code: 1, output: `The command could not be started: ${messageOf(error)}` };
  }
}

const home = homePaths();
const memory = createSetupMemory(join(home.stateDir, 'board.json'));
const projectId = process.env.GODEL_PROJECT;

const board = startBoard({
  client: createClient({ socketPath: home.socketFile, ...(projectId === undefined ? {} : { projectId }) }),
  runCli,
  stdout: process.stdout,
  stdin: process.stdin,
  env: process.env,
  now: Date.now,
  wasSetupAsked: memory.wasAsked,
  rememberSetup: memory.remember,
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void board.stop());
await board.ended;
process.exit(0);

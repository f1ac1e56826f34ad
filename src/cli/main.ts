#!/usr/bin/env node
/** Entry of the command line. */
import { type CliContext, globalFlags } from './context.ts';
import { connectDaemon } from './daemon-control.ts';
import { ignoreClosedPipes, printError, processStreams } from './output.ts';

async function main(words: readonly string[]): Promise<void> {
  ignoreClosedPipes();
  const context: CliContext = {
    streams: processStreams,
    env: process.env,
    cwd: process.cwd(),
    isTerminal: Boolean(process.stdin.isTTY && process.stdout.isTTY),
    connect: (flags) =>
      connectDaemon({
        env: process.env,
        cwd: process.cwd(),
        project: flags.project,
        start: flags.start,
        checkVersion: true,
      }),
    exit: (code) => {
      process.exitCode = code;
    },
  };
  // Nothing but the board is read for the board, so that its first frame comes soon.
  if (words.length === 0) await alone(context);
  else await commanded(context, words);
}

async function alone(context: CliContext): Promise<void> {
  const { openBoard } = await import('./commands/board.ts');
  try {
    await openBoard(context, { json: false, debug: false, start: true });
  } catch (error) {
    process.exitCode = printError(processStreams, error, { json: false, debug: false });
  }
}

async function commanded(context: CliContext, words: readonly string[]): Promise<void> {
  const { createProgram, runProgram } = await import('./program.ts');
  const program = createProgram(context);
  try {
    await runProgram(program, words);
  } catch (error) {
    const flags = globalFlags(program);
    const json = flags.json || words.includes('--json');
    process.exitCode = printError(processStreams, error, { json, debug: flags.debug || words.includes('--debug') });
  }
}

await main(process.argv.slice(2));

#!/usr/bin/env node
/** Entry of the command line. */
import { type CliContext, globalFlags } from './context.ts';
import { connectDaemon } from './daemon-control.ts';
import { ignoreClosedPipes, printError, processStreams } from './output.ts';
import { createProgram, runProgram } from './program.ts';

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

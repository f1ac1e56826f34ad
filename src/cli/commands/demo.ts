/** `godel demo`: the whole of Godel without an API key. The work itself is in ../demo.ts, loaded when it is asked for. */
import type { Command } from 'commander';
import { type CliContext, globalFlags } from '../context.ts';

export function addDemo(program: Command, context: CliContext): void {
  program
    .command('demo')
    .summary('Watch three real agents work in a sample repository; no API key needed')
    .description(
      'Makes a sample repository, starts everything for real, and lets three Pi agents work against a scripted provider.',
    )
    .option('--keep', 'keep the sample repository and leave everything running')
    .option('--json', 'print one JSON value')
    .option('--debug', 'print the stack of errors')
    .action(async (options: { keep?: boolean }, command: Command) => {
      const { runDemo } = await import('../demo.ts');
      await runDemo(context, { ...globalFlags(command), keep: options.keep ?? false });
    });
}

/** `godel review open <bead>`: the diff of a bead, full screen. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { failure } from '../../errors.ts';
import { type CliContext, globalFlags } from '../context.ts';
import { programFolder } from '../daemon-control.ts';
import { handOver } from './terminal.ts';

export function addReview(program: Command, context: CliContext): void {
  const review = program.commands.find((command) => command.name() === 'review') ?? program;
  review
    .command('open')
    .summary('Review the work on a bead, side by side, full screen')
    .description('Review the work on a bead: diff with colours, accept, or send back with a comment.')
    .argument('<id>', 'bead id, or a unique beginning of it')
    .option('--project <path or id>', 'project to work in')
    .option('--debug', 'print the stack of errors')
    .action(async (id: string, _options, command: Command) => {
      const client = await context.connect(globalFlags(command));
      const bead = await client.call('beadShow', { id });
      if (!context.isTerminal) throw failure('not-a-terminal');
      const env = { ...context.env, GODEL_PROJECT: bead.projectId };
      context.exit(await handOver([process.execPath, join(programFolder(), 'review.js'), bead.id], env));
    });
}

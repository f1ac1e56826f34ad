/** `godel agent attach <agent>`, or `godel attach <agent>`: this terminal becomes the agent's. */
import type { Command } from 'commander';
import { failure } from '../../errors.ts';
import { type CliContext, globalFlags } from '../context.ts';
import { handOver } from './terminal.ts';

export function addAttach(program: Command, context: CliContext): void {
  const agent = program.commands.find((command) => command.name() === 'agent') ?? program;
  for (const parent of [agent, program]) {
    parent
      .command('attach')
      .summary('Attach this terminal to an agent; C-g d detaches')
      .description('Attach this terminal to an agent. C-g d detaches; the agent goes on.')
      .argument('<agent>', 'agent name or id, or a unique beginning of it')
      .option('--project <path or id>', 'project to work in')
      .option('--debug', 'print the stack of errors')
      .action(async (id: string, _options, command: Command) => {
        const client = await context.connect(globalFlags(command));
        // Whoever is not there cannot be attached to from any terminal: that is said first.
        const { command: argv } = await client.call('agentAttachment', { id });
        if (!context.isTerminal) throw failure('not-a-terminal');
        context.exit(await handOver(argv, context.env));
      });
  }
}

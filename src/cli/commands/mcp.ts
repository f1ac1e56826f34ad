/** `godel mcp`: the operations an agent needs, as tools for programs that speak the Model Context Protocol. */
import type { Command } from 'commander';
import { version } from '../../base/version.ts';
import { type CliContext, globalFlags } from '../context.ts';

export function addMcp(program: Command, context: CliContext): void {
  program
    .command('mcp')
    .summary('Serve the Model Context Protocol on standard input and output')
    .description(
      'Serve the Model Context Protocol on standard input and output: ready, claim, show, note, todo_write, message, ask, done and more, as far as the role of the agent goes. Agents get it without set-up; other programs are given the command "godel mcp".',
    )
    .option('--project <path or id>', 'project to work in; the current folder by default')
    .option('--no-start', 'do not start the daemon')
    .action(async (_options, command: Command) => {
      const flags = globalFlags(command);
      const { serveMcp } = await import('../mcp/server.ts');
      const { tellToolsListed } = await import('../mcp/told.ts');
      const { GODEL_AGENT_ID: agentId, GODEL_HOOK_SOCKET: host } = context.env;
      serveMcp({ connect: () => context.connect(flags), agentId, version, onListed: () => tellToolsListed(host) });
    });
}

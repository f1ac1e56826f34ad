/** Any agent of the Agent Client Protocol: the command is the user's, the conversation passes through the host. */
import type { Runtime } from '../../src/agents/runtime.ts';
import { type HostFiles, hostCommand } from './protocol-host.ts';

export function createAcpRuntime(options: HostFiles): Runtime {
  return {
    id: 'acp',
    summary: 'Any agent that speaks ACP; --command says which, for example "my-agent acp"',
    delivery: 'bridge',
    modes: ['headless'],
    needsCommand: true,
    dialects: [],
    enforces: [],
    instructions: 'prompt',
    probe: async () => ({ ok: true }),
    async prepare(spec) {
      if (spec.command === undefined) throw new Error('the runtime acp needs --command');
      const argv = ['sh', '-c', `exec ${spec.command}`];
      return { argv: await hostCommand(options, spec, { driver: 'acp', argv, mcpCommand: spec.mcpCommand }), env: {} };
    },
  };
}

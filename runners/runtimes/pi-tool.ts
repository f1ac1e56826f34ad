/** Godel's command as a tool of Pi, for agents whose role has no shell to run it in. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { AgentToolResult, ExtensionAPI } from '@earendil-works/pi-coding-agent';

type Result = AgentToolResult<unknown>;

const MOST_OUTPUT = 64 * 1024;
const PARAMETERS = {
  type: 'object',
  properties: {
    args: {
      type: 'array',
      items: { type: 'string' },
      description: 'Words after godel, for example ["note", "half way"]',
    },
  },
  required: ['args'],
} as const;

/** Registers the tool `godel`; it runs the command and nothing else. */
export function registerGodelTool(pi: ExtensionAPI, agentHome: string): void {
  const file = join(agentHome, 'bin', 'godel');
  pi.registerTool({
    name: 'godel',
    label: 'godel',
    description: 'Run the command godel: your bead, notes, todos, messages to other agents, questions to people.',
    parameters: PARAMETERS as never,
    execute: (_id, params, signal) =>
      new Promise<Result>((resolve) => {
        const { args } = params as { args: string[] };
        execFile(
          file,
          args.map(String),
          { maxBuffer: MOST_OUTPUT, ...(signal ? { signal } : {}) },
          (error, stdout, stderr) => {
            const text = [stdout, error ? stderr || String(error) : ''].filter(Boolean).join('\n').trim();
            resolve({ content: [{ type: 'text', text: text || 'done' }], details: {} });
          },
        );
      }),
  });
}

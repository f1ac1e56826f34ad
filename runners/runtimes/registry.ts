/** Every runtime Godel knows, by id. */
import type { Runtime } from '../../src/agents/runtime.ts';
import { failure } from '../../src/errors.ts';
import { createAcpRuntime } from './acp.ts';
import { createClaudeRuntime } from './claude.ts';
import { createCodexRuntime } from './codex.ts';
import { createGeminiRuntime } from './gemini.ts';
import { createOpencodeRuntime } from './opencode.ts';
import { createPiRuntime } from './pi.ts';
import { createShellRuntime } from './shell.ts';

export interface RuntimeRegistry {
  /** @throws GodelError runtime-missing */
  get(id: string): Runtime;
  list(): readonly Runtime[];
}

export interface RuntimeFiles {
  /** Godel's extension for Pi. */
  extensionFile: string;
  /** The protocol host. */
  hostFile: string;
  /** The command that hooks of programs run. */
  hookFile: string;
  nodePath: string;
  /** PATH that programs are looked for on. */
  path: () => string;
}

/** Every runtime, in the order they are listed. */
export function createRuntimes(files: RuntimeFiles): Runtime[] {
  return [
    createPiRuntime(files),
    createClaudeRuntime(files),
    createCodexRuntime(files),
    createGeminiRuntime(files),
    createOpencodeRuntime(files),
    createAcpRuntime(files),
    createShellRuntime(),
  ];
}

export function createRuntimeRegistry(runtimes: readonly Runtime[]): RuntimeRegistry {
  return {
    get(id) {
      const found = runtimes.find((runtime) => runtime.id === id);
      const known = runtimes.map((runtime) => runtime.id).join(', ');
      if (!found)
        throw failure('runtime-missing', {
          runtime: id,
          problem: 'there is no runtime of that name',
          hint: `Known: ${known}`,
        });
      return found;
    },
    list: () => runtimes,
  };
}

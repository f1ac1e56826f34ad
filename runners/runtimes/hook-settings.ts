/** Registers Godel's hook client for every hook that tells something. Claude Code and Codex read the same form. Pure. */
import { dirname, join } from 'node:path';
import { shellQuote } from '../../src/base/shell.ts';
import { GEMINI_EVENTS, HOOK_EVENTS } from './host/hook-events.ts';

export interface HookFiles {
  /** The bundled hook client, dist/agent-hook.js. */
  hookFile: string;
  nodePath: string;
}

/** A permission may wait for a person over night. */
const TIMEOUT_SECONDS = 24 * 60 * 60;

const commandOf = (files: HookFiles) => `${shellQuote(files.nodePath)} ${shellQuote(files.hookFile)}`;

export function hookSettings(files: HookFiles, events: readonly string[] = HOOK_EVENTS): object {
  const entry = [{ hooks: [{ type: 'command', command: commandOf(files), timeout: TIMEOUT_SECONDS }] }];
  return { hooks: Object.fromEntries(events.map((name) => [name, entry])) };
}

/** The same for Gemini CLI, whose hooks have names of their own and wait for nobody. */
export function geminiHooks(files: HookFiles): object {
  const entry = [{ hooks: [{ type: 'command', name: 'godel', command: commandOf(files) }] }];
  const hooks = Object.fromEntries(Object.keys(GEMINI_EVENTS).map((name) => [name, entry]));
  return { hooks, hooksConfig: { enabled: true, notifications: false } };
}

/** Socket of the host for hooks. Paths of sockets are short (108 bytes), so it lies beside the bridge and not in the agent's home. */
export const hookSocketOf = (bridgeSocket: string, agentId: string): string =>
  join(dirname(bridgeSocket), `hook-${agentId.replaceAll('-', '').slice(-12)}.sock`);

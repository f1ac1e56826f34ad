/** Any command as an agent, or a plain shell. Its screen is all Godel knows of it. */
import type { Runtime, ScreenVerdict } from '../../src/agents/runtime.ts';

const QUESTION =
  /(\[y\/n\]|\(y\/n\)|\[Y\/n\]|\[y\/N\]|\(yes\/no[^)]*\)|password:?|passphrase[^:]*:|press (enter|any key)|continue\?)\s*$/i;
const PROMPT = /(^|[^0-9])[$#%❯>]\s*$/;

/** What the last line of a screen says; undefined when nothing certain. Pure. */
export function readShellScreen(screen: string): ScreenVerdict | undefined {
  const last = screen.trimEnd().split('\n').at(-1)?.trimEnd() ?? '';
  if (QUESTION.test(last)) return { state: 'waiting', detail: last.trim().slice(0, 200) };
  if (PROMPT.test(last)) return { state: 'idle' };
  return undefined;
}

export function createShellRuntime(): Runtime {
  return {
    id: 'shell',
    summary: 'Any command, or a plain shell',
    delivery: 'paste',
    modes: ['pane'],
    dialects: [],
    enforces: [],
    instructions: 'none',
    probe: async () => ({ ok: true }),
    async prepare(spec) {
      const argv = spec.command === undefined ? ['sh', '-i'] : ['sh', '-c', spec.command];
      return { argv, env: {} };
    },
    readScreen: readShellScreen,
  };
}

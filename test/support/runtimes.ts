/** The real programs, from npm, in a folder of this checkout that git ignores; fetched once and kept. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isRunning, run } from '../../src/base/process.ts';

export type ProgramId = 'claude' | 'codex' | 'opencode' | 'gemini' | 'acp';

const PACKAGES: Readonly<Record<ProgramId, string>> = {
  claude: '@anthropic-ai/claude-code@2.1.329',
  codex: '@openai/codex@0.169.0',
  opencode: 'opencode-ai@1.18.33',
  gemini: '@google/gemini-cli@0.61.0',
  /** Stands for any agent of the Agent Client Protocol. */
  acp: '@agentclientprotocol/claude-agent-acp@0.100.0',
};

const INSTALL_MS = 400_000;
const root = fileURLToPath(new URL('../../.tools/runtimes', import.meta.url));

/** Runs `work` while this process alone holds the lock; a lock of a process that is gone is taken over. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const owner = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0);
      if (owner && !isRunning(owner)) rmSync(lock, { force: true });
      else await delay(200);
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Claude Code and opencode are native programs in packages of their own; their wrappers are filled by scripts that are not run. */
function binFolders(folder: string): string[] {
  const system = `${process.platform}-${process.arch}`;
  const natives = [`@anthropic-ai/claude-code-${system}`, `opencode-${system}/bin`];
  const found = natives.map((name) => join(folder, 'node_modules', name)).filter((name) => existsSync(name));
  return [...found, join(folder, 'node_modules', '.bin')];
}

/**
 * A PATH that begins with the program, installed when it is missing; undefined when npm does not give it, which is said
 * loudly, as a test is left out then.
 */
export async function pathWith(id: ProgramId): Promise<string | undefined> {
  const folder = join(root, id);
  const stamp = join(folder, '.installed');
  mkdirSync(folder, { recursive: true });
  const isThere = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === PACKAGES[id];
  if (!isThere()) {
    await alone(join(root, `${id}.lock`), async () => {
      if (isThere()) return;
      const words = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];
      const { code, stderr } = await run('npm', [...words, PACKAGES[id]], { timeoutMs: INSTALL_MS });
      if (code === 0) writeFileSync(stamp, PACKAGES[id]);
      else process.stderr.write(`\nLEFT OUT: ${PACKAGES[id]} cannot be installed from npm: ${stderr.slice(0, 500)}\n`);
    });
  }
  if (!isThere()) return undefined;
  return [...binFolders(folder), process.env.PATH ?? ''].join(delimiter);
}

/** Before all tests: the programs must be those of the sources. After them: nothing may be left running. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processesWith } from './support/processes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** How long (ms) processes may take to end after the last test. */
const GRACE_MS = 20_000;

function refuseStaleBuild(): void {
  const wanted = execFileSync('sh', [join(root, 'scripts', 'bootstrap.sh'), 'fingerprint'], { encoding: 'utf8' });
  let built = '';
  try {
    built = readFileSync(join(root, 'dist', '.godel-stamp'), 'utf8');
  } catch {
    // Never built, or by hand: as stale as any other.
  }
  if (built !== wanted) throw new Error('dist/ was not built from these sources. Run: npm run build');
}

async function reportLeftovers(folder: string): Promise<void> {
  const deadline = Date.now() + GRACE_MS;
  let left = processesWith(folder);
  while (left.length > 0 && Date.now() < deadline) {
    await delay(100);
    left = processesWith(folder);
  }
  if (left.length === 0) return;
  process.stderr.write(`\n${left.length} processes of the tests were left running and are ended now:\n`);
  for (const { pid, command } of left) {
    process.stderr.write(`  ${pid} ${command}\n`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  process.exitCode = 1;
}

/** Gives the run a folder for temporary files of its own: by it everything that the tests start is known. */
export function setup(): () => Promise<void> {
  refuseStaleBuild();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'gt-'));
  process.env.TMPDIR = folder;
  return async () => {
    await reportLeftovers(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}

/** Runs the checks, then vitest, and closes with one plain line that any reader of logs understands. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
let child: ChildProcess | undefined;

/** Runs a program of Node's in the foreground and answers its exit code; a signal counts as a failure. */
function runNode(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** The counts of vitest's report. A file that fails outside of its tests is one failure. */
function countLine(file: string, exitCode: number): string {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const broken = report.testResults.filter(
      (each) => each.status === 'failed' && !each.assertionResults.some((test) => test.status === 'failed'),
    );
    const failed = report.numFailedTests + broken.length;
    const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
    return `${report.numPassedTests} passed, ${failed === 0 && exitCode !== 0 ? 1 : failed} failed${skipped}`;
  } catch {
    return '0 passed, 1 failed';
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    child?.kill(signal);
  });
}

const words = process.argv.slice(2);
const soak = words.includes('--soak');
const wanted = words.filter((word) => word !== '--soak');
if (soak) process.env.GODEL_TEST_SOAK = '1';

const checked = wanted.length === 0 ? await runNode(['scripts/check.ts']) : 0;
const folder = mkdtempSync(join(tmpdir(), 'godel-report-'));
const file = join(folder, 'report.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
const tested = await runNode([
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  'test/vitest.config.ts',
  ...reporters,
  ...wanted,
]);
const line = countLine(file, tested);
rmSync(folder, { recursive: true, force: true });
if (checked !== 0) process.stdout.write('\nnpm run check failed: see the lines marked FAILED above.\n');
process.stdout.write(`\n${line}\n`);
process.exit(checked || tested);

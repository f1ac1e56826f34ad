/** Runs vitest and closes with one plain line that any reader of logs understands. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numFailedTestSuites: number;
}

const folder = mkdtempSync(join(tmpdir(), 'godel-report-'));
const file = join(folder, 'report.json');
const config = [
  '--config',
  'test/vitest.config.ts',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${file}`,
];
const result = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...config, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
try {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  // A file that could not even be read counts as one failure.
  const failed =
    report.numFailedTests > 0
      ? report.numFailedTests
      : result.status === 0
        ? 0
        : Math.max(1, report.numFailedTestSuites);
  const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
  process.stdout.write(`\n${report.numPassedTests} passed, ${failed} failed${skipped}\n`);
} catch {
  process.stdout.write('\n0 passed, 1 failed\n');
}
rmSync(folder, { recursive: true, force: true });
process.exit(result.status ?? 1);

/**
 * Runs the checks, then vitest, and closes with one plain line that any reader of logs understands. Files that failed
 * beside others run once more, alone: on a busy machine a limit can be missed, and a defect fails again. What passed
 * only the second time is named, so that nobody takes it for sound.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countLine, failedFiles, merged, type Report, readReport } from './test-report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** With more failed files than this something is broken for certain. */
const MOST_AGAIN = 6;
let child: ChildProcess | undefined;

/** Runs a program of Node's in the foreground and answers its exit code; a signal counts as a failure. */
function runNode(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function runVitest(folder: string, words: readonly string[]): Promise<{ code: number; report?: Report }> {
  const file = join(folder, 'report.json');
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const config = ['run', '--config', 'test/vitest.config.ts'];
  const code = await runNode(['node_modules/vitest/vitest.mjs', ...config, ...reporters, ...words]);
  const report = readReport(file);
  return report ? { code, report } : { code };
}

async function runTests(folder: string, words: readonly string[]): Promise<{ code: number; line: string }> {
  const first = await runVitest(folder, words);
  const files = first.report ? failedFiles(first.report) : [];
  if (!first.report || first.code === 0 || files.length === 0 || files.length > MOST_AGAIN) {
    return { code: first.code, line: countLine(first.report, first.code) };
  }
  const names = files.map((file) => relative(root, file));
  process.stdout.write(`\nOnce more, alone: ${names.join(', ')}\n`);
  const second = await runVitest(folder, ['--maxWorkers=1', ...names]);
  if (second.code === 0) {
    process.stdout.write(`\nUNSTABLE: failed beside others and passed alone: ${names.join(', ')}\n`);
  }
  const report = second.report ? merged(first.report, second.report) : first.report;
  return { code: second.code, line: countLine(report, second.code) };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    child?.kill(signal);
  });
}

const words = process.argv.slice(2);
const wanted = words.filter((word) => word !== '--soak');
if (words.includes('--soak')) process.env.GODEL_TEST_SOAK = '1';

const checked = wanted.length === 0 ? await runNode(['scripts/check.ts']) : 0;
const folder = mkdtempSync(join(tmpdir(), 'godel-report-'));
const { code, line } = await runTests(folder, wanted);
rmSync(folder, { recursive: true, force: true });
if (checked !== 0) process.stdout.write('\nnpm run check failed: see the lines marked FAILED above.\n');
process.stdout.write(`\n${line}\n`);
process.exit(checked || code);

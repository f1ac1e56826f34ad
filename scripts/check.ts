/**
 * Everything that can be known without running the program: types, format and lint, imports, dead code, sizes,
 * generated files. Words after it name the checks to run; without any, all run, whatever fails on the way.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENTRIES } from './entries.ts';

interface Check {
  name: string;
  argv: readonly string[];
}

const TIMEOUT_MS = 300_000;
/** Of the output of one check, this much (characters) is shown. */
const MOST_OUTPUT = 20_000;

const bin = (name: string) => `node_modules/.bin/${name}`;
const script = (name: string, ...args: string[]) => [process.execPath, `scripts/${name}.ts`, ...args];

/** The native compiler takes a third of the time; the package `typescript` stays for the tools that read syntax trees with it. */
const TSC = 'node_modules/typescript-native/bin/tsc';

const checks: readonly Check[] = [
  {
    name: 'types',
    argv: [TSC, '-p', '.', '--incremental', '--tsBuildInfoFile', '.tools/types.tsbuildinfo'],
  },
  {
    name: 'lint',
    argv: [bin('biome'), 'check', '--error-on-warnings', '--max-diagnostics=100', '--colors=off', '.'],
  },
  { name: 'imports', argv: script('imports') },
  { name: 'dead-code', argv: [bin('knip'), '--no-progress'] },
  { name: 'sizes', argv: script('sizes') },
  { name: 'lock', argv: script('lock', '--check') },
  { name: 'prices', argv: script('generate-prices', '--check') },
  { name: 'simd', argv: script('generate-simd', '--check') },
  { name: 'generated', argv: script('generate', '--check') },
];

function runCheck(check: Check): boolean {
  const started = performance.now();
  const [file = '', ...args] = check.argv;
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: TIMEOUT_MS });
  const passed = result.status === 0;
  process.stdout.write(
    `${passed ? 'ok    ' : 'FAILED'} ${check.name} (${Math.round(performance.now() - started)} ms)\n`,
  );
  if (passed) return true;
  const reason = result.error ? `${file}: ${result.error.message}\n` : '';
  const output = `${reason}${result.stdout ?? ''}${result.stderr ?? ''}`;
  process.stdout.write(`${output.slice(0, MOST_OUTPUT)}\n`);
  if (output.length > MOST_OUTPUT) process.stdout.write(`(${output.length - MOST_OUTPUT} more characters)\n`);
  return false;
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `No such check: ${unknown.join(', ')}\nThere are: ${checks.map((each) => each.name).join(', ')}\n`,
  );
  process.exit(2);
}
const missing = Object.values(ENTRIES).filter((file) => !existsSync(file));
if (missing.length > 0) process.stdout.write(`FAILED entries: ${missing.join(', ')} missing\n`);
const results = checks.filter((check) => wanted.length === 0 || wanted.includes(check.name)).map(runCheck);
process.exit(results.every(Boolean) && missing.length === 0 ? 0 : 1);

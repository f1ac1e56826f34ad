/** Everything that can be known without running the program: types, format and lint, imports, dead code, sizes, generated files. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ENTRIES } from './entries.ts';

interface Check {
  name: string;
  argv: readonly string[];
  /** Says what is wrong with an output although the tool was content. */
  suspicious?: (output: string) => string | undefined;
}

/** Fewer modules than this mean that the tool did not see the code. */
const FEWEST_MODULES = 150;

function modulesSeen(output: string): string | undefined {
  const seen = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0);
  return seen >= FEWEST_MODULES
    ? undefined
    : `only ${seen} modules were looked at; at least ${FEWEST_MODULES} are there`;
}

const bin = (name: string) => `node_modules/.bin/${name}`;

const checks: readonly Check[] = [
  { name: 'types', argv: [bin('tsc'), '-p', '.'] },
  { name: 'format and lint', argv: [bin('biome'), 'check', '--error-on-warnings', '.'] },
  {
    name: 'imports',
    argv: [bin('depcruise'), '--config', 'scripts/boundaries.cjs', 'src', 'tui', 'runners', 'proxy'],
    suspicious: modulesSeen,
  },
  { name: 'dead code', argv: [bin('knip'), '--no-progress'] },
  { name: 'sizes', argv: [process.execPath, 'scripts/sizes.ts'] },
  { name: 'prices', argv: [process.execPath, 'scripts/generate-prices.ts', '--check'] },
  { name: 'generated files', argv: [process.execPath, 'scripts/generate.ts', '--check'] },
];

function runCheck(check: Check): boolean {
  const started = performance.now();
  const [file = '', ...args] = check.argv;
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  const doubt = result.status === 0 ? check.suspicious?.(output) : undefined;
  const passed = result.status === 0 && doubt === undefined;
  process.stdout.write(
    `${passed ? 'ok    ' : 'FAILED'} ${check.name} (${Math.round(performance.now() - started)} ms)\n`,
  );
  if (!passed) process.stdout.write(`${doubt ?? output.slice(0, 20_000)}\n`);
  return passed;
}

const missing = Object.values(ENTRIES).filter((file) => !existsSync(file));
if (missing.length > 0) process.stdout.write(`FAILED entries: ${missing.join(', ')} missing\n`);
const only = process.argv[2];
const results = checks.filter((check) => only === undefined || check.name === only).map(runCheck);
process.exit(results.every(Boolean) && missing.length === 0 ? 0 : 1);

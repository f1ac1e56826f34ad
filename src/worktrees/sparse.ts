/**
 * Sparse checkout of single worktrees. `git sparse-checkout set` writes to the configuration of the repository
 * (it turns on extensions.worktreeConfig), so the patterns are put into the worktree's own git directory and the
 * two settings are given to each call: by `-c` to ours, by GIT_CONFIG_* to those of agents.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const SETTINGS: readonly (readonly [string, string])[] = [
  ['core.sparseCheckout', 'true'],
  ['core.sparseCheckoutCone', 'false'],
];

/** `-c` settings of a git call in a sparse worktree. */
export const SPARSE_CONFIG: readonly string[] = SETTINGS.map(([key, value]) => `${key}=${value}`);

/** The same settings for programs that call git themselves. */
export function sparseEnvironment(): Record<string, string> {
  const pairs = SETTINGS.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(SETTINGS.length), ...Object.fromEntries(pairs) };
}

const fileOf = (adminDir: string) => join(adminDir, 'info', 'sparse-checkout');
/** Files at the top are always there: build files and the like. */
const TOP = ['/*', '!/*/'];

/** Text of the pattern file: lines in the form of .gitignore, from the top of the repository. Pure. */
export function sparseText(patterns: readonly string[]): string {
  const anchored = patterns.map((pattern) => {
    const [bang, rest] = pattern.startsWith('!') ? ['!', pattern.slice(1)] : ['', pattern];
    return `${bang}${rest.startsWith('/') || rest.startsWith('*') ? '' : '/'}${rest}`;
  });
  return `${[...TOP, ...anchored].join('\n')}\n`;
}

export async function writeSparse(adminDir: string, patterns: readonly string[]): Promise<void> {
  if (patterns.length === 0) return rm(fileOf(adminDir), { force: true });
  await mkdir(dirname(fileOf(adminDir)), { recursive: true });
  await writeFile(fileOf(adminDir), sparseText(patterns));
}

/** Patterns of a worktree; undefined when all of it is checked out. */
export async function readSparse(adminDir: string): Promise<string[] | undefined> {
  const text = await readFile(fileOf(adminDir), 'utf8').catch(() => undefined);
  return text
    ?.split('\n')
    .filter((line) => line !== '' && !TOP.includes(line))
    .map((line) => line.replace(/^(!?)\//, '$1'));
}

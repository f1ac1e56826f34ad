/** Checks who imports whom against boundaries.cjs, and that dependency-cruiser has really seen every file. */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';

interface Cruised {
  modules: { source: string }[];
  summary: {
    totalDependenciesCruised: number;
    violations: { rule: { name: string }; from: string; to: string; cycle?: { name: string }[] }[];
  };
}

/** Fewer files than this mean that even the search for files went wrong. */
const FEWEST_FILES = 150;
const FOLDERS = ['src', 'tui', 'runners', 'proxy'];

function cruise(): Cruised {
  const args = ['--config', 'scripts/boundaries.cjs', '--output-type', 'json', ...FOLDERS];
  // With this output the exit code is 0 whatever is found; anything else is a failure of the tool.
  return JSON.parse(
    execFileSync('node_modules/.bin/depcruise', args, { encoding: 'utf8', maxBuffer: 256 << 20 }),
  ) as Cruised;
}

const { modules, summary } = cruise();
const seen = new Set(modules.map((each) => each.source));
const files = globSync(`{${FOLDERS.join(',')}}/**/*.{ts,tsx}`);
const unseen = files.filter((file) => !seen.has(file));
const problems = [
  ...summary.violations.map(({ rule, from, to, cycle }) => {
    return `${rule.name}: ${from} -> ${cycle?.map((step) => step.name).join(' -> ') ?? to}`;
  }),
  ...unseen.map((file) => `not seen by dependency-cruiser: ${file}`),
  ...(files.length < FEWEST_FILES ? [`only ${files.length} files were found; at least ${FEWEST_FILES} are there`] : []),
];
process.stdout.write(`${files.length - unseen.length} files, ${summary.totalDependenciesCruised} imports\n`);
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);

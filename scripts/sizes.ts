/** Keeps files and functions small: style.md's limits, measured with the TypeScript parser. */
import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';

const MAX_FILE = 500;
const MAX_FUNCTION = 60;
const MEDIAN_FILE = 100;
const P90_FUNCTION = 30;

interface Sized {
  where: string;
  lines: number;
}

/** Lines of every named function; factories that only hold other functions are measured without them. */
function functionsOf(file: string, source: ts.SourceFile): Sized[] {
  const found: Sized[] = [];
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  function visit(node: ts.Node): number {
    let nested = 0;
    ts.forEachChild(node, (child) => {
      nested += visit(child);
    });
    const isFunction =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isArrowFunction(node) ||
      ts.isFunctionExpression(node);
    if (!isFunction || !node.body) return nested;
    const first = lineOf(node.getStart(source));
    const lines = lineOf(node.end) - first + 1;
    found.push({ where: `${file}:${first + 1}`, lines: lines - nested });
    return lines;
  }
  visit(source);
  return found;
}

const at = (sorted: readonly Sized[], share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.lines ?? 0;

const files = globSync('{src,tui,runners,proxy}/**/*.{ts,tsx}');
const sizes: Sized[] = [];
const functions: Sized[] = [];
for (const file of files) {
  const text = readFileSync(file, 'utf8');
  sizes.push({ where: file, lines: text.split('\n').length });
  functions.push(...functionsOf(file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)));
}
sizes.sort((a, b) => a.lines - b.lines);
functions.sort((a, b) => a.lines - b.lines);

const problems = [
  ...sizes
    .filter((each) => each.lines > MAX_FILE)
    .map((each) => `${each.where} has ${each.lines} lines; at most ${MAX_FILE}`),
  ...functions
    .filter((each) => each.lines > MAX_FUNCTION)
    .map((each) => `${each.where}: a function of ${each.lines} lines; at most ${MAX_FUNCTION}`),
  ...(at(sizes, 0.5) > MEDIAN_FILE ? [`the median file has ${at(sizes, 0.5)} lines; at most ${MEDIAN_FILE}`] : []),
  ...(at(functions, 0.9) > P90_FUNCTION
    ? [`nine functions in ten have up to ${at(functions, 0.9)} lines; at most ${P90_FUNCTION}`]
    : []),
];
process.stdout.write(
  `${files.length} files, median ${at(sizes, 0.5)} lines; ${functions.length} functions, p90 ${at(functions, 0.9)} lines\n`,
);
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exit(problems.length > 0 || files.length < 100 ? 1 : 0);

/** The sample repository of `godel demo` and the three pieces of work in it. Pure but for `writeSample`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git } from '../base/git.ts';
import type { BeadType, Priority } from '../beads/schema.ts';

const FILES: Readonly<Record<string, string>> = {
  'README.md': '# Greeter\n\nA tiny program that greets people.\n',
  'package.json': `${JSON.stringify({ name: 'greeter', version: '1.0.0', type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'src/greet.js': 'export function greet(name) {\n  return `Hello, ${name}`;\n}\n',
  'test/greet.test.js':
    "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { greet } from '../src/greet.js';\n\ntest('greets by name', () => {\n  assert.match(greet('Ada'), /Hello, Ada/);\n});\n",
};

export const PROOF_COMMAND = 'node --test';

export interface SampleBead {
  title: string;
  type: BeadType;
  priority: Priority;
  description: string;
}

/** A script for the demo provider; its steps go through the agent's real tools. */
function script(lines: readonly string[]): string {
  return ['```demo', ...lines, '```'].join('\n');
}

const write = (path: string, content: string) => `write: ${path} <<< ${JSON.stringify(content)}`;
const commit = (message: string) => `bash: git add -A && git commit -q -m "${message}" && git log --oneline -1`;
const pace = (lines: readonly string[]) => lines.flatMap((line) => ['wait: 250', 'slow: 12', line]);

const FAREWELL = 'export function farewell(name) {\n  return `Goodbye, ${name}`;\n}\n';
const FAREWELL_TEST =
  "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { farewell } from '../src/farewell.js';\n\ntest('says goodbye by name', () => {\n  assert.equal(farewell('Ada'), 'Goodbye, Ada');\n});\n";
const TRIMMED =
  "export function greet(name) {\n  const shown = name.trim() || 'stranger';\n  return `Hello, ${shown}`;\n}\n";
const TRIM_TEST =
  "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { greet } from '../src/greet.js';\n\ntest('greets nobody as a stranger', () => {\n  assert.equal(greet('  '), 'Hello, stranger');\n});\n";
const USAGE =
  "# Greeter\n\nA tiny program that greets people.\n\n## Use\n\n```js\nimport { greet } from 'greeter/src/greet.js';\ngreet('Ada'); // Hello, Ada\n```\n";

export const SAMPLE_BEADS: readonly SampleBead[] = [
  {
    title: 'Say goodbye as well',
    type: 'feature',
    priority: 'high',
    description: `Add farewell(name) with a test.\n\n${script(pace(['bash: ls src test && cat src/greet.js', write('src/farewell.js', FAREWELL), write('test/farewell.test.js', FAREWELL_TEST), 'bash: node --test 2>&1 | tail -8', commit('Say goodbye as well'), 'bash: godel done', 'say: farewell() is there, with a test. It waits for your review.']))}`,
  },
  {
    title: 'Greet nobody politely',
    type: 'bug',
    priority: 'critical',
    description: `greet("  ") must not answer "Hello,  ".\n\n${script(pace(['bash: cat src/greet.js', write('src/greet.js', TRIMMED), write('test/stranger.test.js', TRIM_TEST), 'bash: node --test 2>&1 | tail -8', commit('Greet nobody as a stranger'), 'bash: godel done', 'say: Blank names are greeted as strangers now. It waits for your review.']))}`,
  },
  {
    title: 'Explain how to use it',
    type: 'task',
    priority: 'medium',
    description: `The README shows no code.\n\n${script(pace(['read: README.md', write('README.md', USAGE), commit('Show how to use greet'), 'bash: godel note "The README has an example now" && godel done', 'say: The README shows an example. It waits for your review.']))}`,
  },
];

/** Makes the repository with one commit on main. */
export async function writeSample(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await git(folder, ['init', '-q', '-b', 'main']);
  await git(folder, ['config', 'user.name', 'You']);
  await git(folder, ['config', 'user.email', 'you@example.org']);
  await git(folder, ['add', '-A']);
  await git(folder, ['commit', '-q', '-m', 'A greeter']);
}

/** Plants one fault for each check in a copy of the tree, runs all checks once, and looks for every fault. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyTree, root } from '../support/tree.ts';

const FAULTS: Readonly<Record<string, string>> = {
  'src/base/planted-type.ts': "export const plantedType: number = 'text';\n",
  'src/base/planted-format.ts': 'export const plantedFormat = "double"\n',
  'src/base/planted-floating.ts':
    'async function plantedWork(): Promise<void> {}\n\nexport function plantedStart(): void {\n  plantedWork();\n}\n',
  'src/base/planted-any.ts': 'export const plantedAny: any = 1;\n',
  'src/base/planted-default.ts': 'const planted = 1;\nexport default planted;\n',
  'src/base/planted-cycle-a.ts':
    "import { second } from './planted-cycle-b.ts';\n\nexport const first = () => second;\n",
  'src/base/planted-cycle-b.ts':
    "import { first } from './planted-cycle-a.ts';\n\nexport const second = () => first;\n",
  'src/base/planted-upward.ts':
    "import { errorTable } from '../errors.ts';\n\nexport const plantedUpward = errorTable;\n",
  'src/cli/planted-store.ts': "export * from '../beads/store.ts';\n",
  'src/costs/planted-service.ts': "export * from '../beads/service.ts';\n",
  'tui/planted-daemon.ts': "export * from '../src/daemon/daemon.ts';\n",
  'proxy/planted-agents.ts': "export type * from '../src/agents/service.ts';\n",
  'src/base/planted-unseen.ts': 'export const plantedUnseen = 1;\n',
  'tui/planted-function.ts': `export function plantedFunction(): number {\n  let sum = 0;\n${'  sum += 1;\n'.repeat(60)}  return sum;\n}\n`,
  'tui/planted-file.ts': `${'// a line\n'.repeat(501)}export const plantedFile = 1;\n`,
};

let copy = '';
let output = '';

/** What the checks printed about one of them. */
function section(name: string): string {
  const start = output.search(new RegExp(`^FAILED ${name} \\(`, 'm'));
  expect(start, `${name} did not fail:\n${output.slice(0, 5000)}`).toBeGreaterThanOrEqual(0);
  const rest = output.slice(start + 1);
  const end = rest.search(/^(ok {4}|FAILED) \S+ \(\d+ ms\)$/m);
  return end < 0 ? rest : rest.slice(0, end);
}

function plant(): void {
  for (const [file, text] of Object.entries(FAULTS)) writeFileSync(join(copy, file), text);
  appendFileSync(join(copy, 'src/base/id.ts'), '\nexport const plantedExport = 1;\n');
  appendFileSync(join(copy, 'man/godel.1'), 'planted\n');
  const boundaries = join(copy, 'scripts/boundaries.cjs');
  const text = readFileSync(boundaries, 'utf8');
  writeFileSync(boundaries, text.replace('doNotFollow:', "exclude: { path: 'planted-unseen' },\n    doNotFollow:"));
  const lock = join(copy, 'package-lock.json');
  const entries = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, unknown> };
  delete entries.packages['node_modules/@esbuild/darwin-arm64'];
  writeFileSync(lock, JSON.stringify(entries));
  rmSync(join(copy, 'tui/review/main.tsx'));
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'check-'));
  copyTree(copy);
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  plant();
  const ran = spawnSync(process.execPath, [join(copy, 'scripts/check.ts')], {
    cwd: tmpdir(),
    encoding: 'utf8',
    timeout: 150_000,
    maxBuffer: 64 << 20,
  });
  output = `${ran.stdout}${ran.stderr}`;
  expect(ran.status).toBe(1);
}, 180_000);

afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

describe('npm run check', () => {
  test('sees a type error', () => {
    expect(section('types')).toContain('src/base/planted-type.ts');
  });

  test('sees a program that is missing', () => {
    expect(output).toContain('FAILED entries: tui/review/main.tsx missing');
  });

  test.each([
    ['a file that is not formatted', 'src/base/planted-format.ts format'],
    ['a promise that nobody waits for', 'src/base/planted-floating.ts:4:3 lint/nursery/noFloatingPromises'],
    ['any', 'src/base/planted-any.ts:1:26 lint/suspicious/noExplicitAny'],
    ['a default export', 'src/base/planted-default.ts:2:8 lint/style/noDefaultExport'],
    ['a cycle of imports', 'src/base/planted-cycle-a.ts:1:24 lint/suspicious/noImportCycles'],
  ])('lint sees %s', (_what, expected) => {
    expect(section('lint')).toContain(expected);
  });

  test.each([
    ['a tool that knows Godel', 'base-imports-npm-only: src/base/planted-upward.ts -> src/errors.ts'],
    ['a command that reads a store', 'surfaces: src/cli/planted-store.ts -> src/beads/store.ts'],
    ['a service that calls another', 'features: src/costs/planted-service.ts -> src/beads/service.ts'],
    ['a board that reaches into the daemon', 'tui: tui/planted-daemon.ts -> src/daemon/daemon.ts'],
    ['an import of the composition root', 'daemon-is-the-root: tui/planted-daemon.ts -> src/daemon/daemon.ts'],
    ['a proxy that knows agents, if only their types', 'proxy: proxy/planted-agents.ts -> src/agents/service.ts'],
    ['a cycle', 'no-cycles: src/base/planted-cycle-'],
    ['a file that the tool did not look at', 'not seen by dependency-cruiser: src/base/planted-unseen.ts'],
  ])('imports sees %s', (_what, expected) => {
    expect(section('imports')).toContain(expected);
  });

  test('dead code sees an unused export and an unused file', () => {
    expect(section('dead-code')).toMatch(/^plantedExport\s.*src\/base\/id\.ts/m);
    expect(section('dead-code')).toContain('tui/planted-file.ts');
  });

  test('sizes sees a function and a file that are too long', () => {
    expect(section('sizes')).toContain('tui/planted-function.ts:1: a function of 64 lines; at most 60');
    expect(section('sizes')).toContain('tui/planted-file.ts has 503 lines; at most 500');
  });

  test('a lock file without the packages of another system is refused', () => {
    expect(section('lock')).toContain('node_modules/@esbuild/darwin-arm64');
  });

  test('a generated file that was changed by hand is stale', () => {
    expect(section('generated')).toContain('man/godel.1 is stale');
  });
});

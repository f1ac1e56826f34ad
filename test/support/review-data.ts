/** Diffs made up for tests of the review popup; patches are made by the diff library in git's form. */
import { createTwoFilesPatch } from 'diff';
import type { BeadDiff, ChangedFile } from '../../src/reviews/schema.ts';

const OLD = `import { readFile } from 'node:fs/promises';

/* A comment over
   two lines */
export async function load(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  return text;
}

const limit = 10;
`;
const NEW = `import { readFile } from 'node:fs/promises';

/* A comment over
   three
   lines */
export async function load(path: string, limit = 1024): Promise<string> {
  const text = await readFile(path, 'utf8');
  if (text.length > limit) throw new Error(\`\${path} is too long\`);
  return text.trim();
}

const tokenLifetime = 30;
`;

export function gitPatch(path: string, before: string, after: string): string {
  const body = createTwoFilesPatch(`a/${path}`, `b/${path}`, before, after, undefined, undefined, { context: 3 });
  return `diff --git a/${path} b/${path}\nindex 1111111..2222222 100644\n${body.replace(/^=+\n/, '')}`;
}

function counts(patch: string): { additions: number; deletions: number } {
  const lines = patch.split('\n');
  return {
    additions: lines.filter((line) => line.startsWith('+') && !line.startsWith('+++')).length,
    deletions: lines.filter((line) => line.startsWith('-') && !line.startsWith('---')).length,
  };
}

function changed(path: string, patch: string, more: Partial<ChangedFile> = {}): ChangedFile {
  return { path, status: 'modified', ...counts(patch), binary: false, ...more };
}

export function sampleDiff(beadId: string): BeadDiff {
  const source = gitPatch('src/load.ts', OLD, NEW);
  const python = gitPatch(
    'tools/check.py',
    'def check(a):\n    return a == 1\n',
    'def check(a, b=2):\n    # 日本語 comment 🚀\n    return a == b\n',
  );
  const image =
    'diff --git a/logo.png b/logo.png\nnew file mode 100644\nindex 0000000..1234567\nBinary files /dev/null and b/logo.png differ\n';
  const renamed = 'diff --git a/old.txt b/new.txt\nsimilarity index 100%\nrename from old.txt\nrename to new.txt\n';
  return {
    beadId,
    branch: `bead/${beadId}`,
    base: 'b'.repeat(40),
    head: 'c'.repeat(40),
    files: [
      changed('src/load.ts', source),
      changed('tools/check.py', python),
      changed('logo.png', '', { status: 'added', binary: true }),
      changed('new.txt', '', { status: 'renamed', oldPath: 'old.txt' }),
      { path: 'package-lock.json', status: 'modified', additions: 90_000, deletions: 80_000, binary: false },
    ],
    patch: source + python + image + renamed,
    truncated: true,
  };
}

/** A patch of about `lines` changed lines in ten files. */
export function largeDiff(beadId: string, lines: number): BeadDiff {
  const perFile = Math.floor(lines / 20);
  const patches = Array.from({ length: 10 }, (_, file) => {
    const before = Array.from(
      { length: perFile },
      (_, line) => `export const value${line} = compute(${line}, 'text ${file}');`,
    ).join('\n');
    const after = Array.from(
      { length: perFile },
      (_, line) => `export const value${line} = computeAll(${line + 1}, 'text ${file}'); // ${line}`,
    ).join('\n');
    return { path: `src/file-${file}.ts`, patch: gitPatch(`src/file-${file}.ts`, `${before}\n`, `${after}\n`) };
  });
  return {
    ...sampleDiff(beadId),
    files: patches.map(({ path, patch }) => changed(path, patch)),
    patch: patches.map(({ patch }) => patch).join(''),
    truncated: false,
  };
}

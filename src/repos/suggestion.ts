/** Reads off a repository's files what makes a checkout ready and what proves that work is good. */
import { z } from 'zod';
import { tryGit } from '../base/git.ts';
import type { Suggestion } from './schema.ts';

interface Files {
  has(name: string): boolean;
  /** Text of a file at the top; empty when it is not there. */
  text(name: string): string;
}

interface Toolchain {
  /** The file that tells that it is used. */
  file: string;
  setup?: string;
  proof?: (files: Files) => string | undefined;
}

const packageSchema = z.object({ scripts: z.record(z.string(), z.string()).optional() });

/** npm writes such a script into every new package; it proves nothing. */
const NO_TEST = /no test specified/;

function hasTestScript(files: Files): boolean {
  try {
    const script = packageSchema.parse(JSON.parse(files.text('package.json'))).scripts?.test ?? '';
    return script !== '' && !NO_TEST.test(script);
  } catch {
    return false;
  }
}

const scripted = (command: string) => (files: Files) => (hasTestScript(files) ? command : undefined);
const pytest = (command: string) => (files: Files) =>
  files.has('pytest.ini') || files.has('tests') || files.text('pyproject.toml').includes('[tool.pytest')
    ? command
    : undefined;

/** The first that fits is taken: a lock file says more than the file it locks. */
const TOOLCHAINS: readonly Toolchain[] = [
  { file: 'pnpm-lock.yaml', setup: 'pnpm install --frozen-lockfile', proof: scripted('pnpm test') },
  { file: 'yarn.lock', setup: 'yarn install --immutable', proof: scripted('yarn test') },
  { file: 'bun.lock', setup: 'bun install --frozen-lockfile', proof: scripted('bun run test') },
  { file: 'bun.lockb', setup: 'bun install --frozen-lockfile', proof: scripted('bun run test') },
  { file: 'package-lock.json', setup: 'npm ci', proof: scripted('npm test') },
  { file: 'package.json', proof: scripted('npm test') },
  { file: 'Cargo.toml', setup: 'cargo fetch', proof: () => 'cargo test' },
  { file: 'go.mod', setup: 'go mod download', proof: () => 'go test ./...' },
  { file: 'uv.lock', setup: 'uv sync', proof: pytest('uv run pytest') },
  { file: 'poetry.lock', setup: 'poetry install', proof: pytest('poetry run pytest') },
  { file: 'pyproject.toml', proof: pytest('python3 -m pytest') },
  { file: 'requirements.txt', proof: pytest('python3 -m pytest') },
  { file: 'Gemfile.lock', setup: 'bundle install' },
  { file: 'gradlew', proof: () => './gradlew test' },
  { file: 'pom.xml', proof: () => 'mvn -q test' },
];

/** What the files say, or nothing: a wrong guess costs more than a question. Pure. */
export function suggestionFrom(files: Files): Suggestion {
  const chain = TOOLCHAINS.find(({ file }) => files.has(file));
  const proof = chain?.proof?.(files) ?? (/^test:/m.test(files.text('Makefile')) ? 'make test' : undefined);
  return {
    ...(chain ? { file: chain.file } : {}),
    ...(chain?.setup === undefined ? {} : { setupCommand: chain.setup }),
    ...(proof === undefined ? {} : { proofCommand: proof }),
  };
}

const READ = ['package.json', 'pyproject.toml', 'Makefile'];

/** Of the main branch, which every worktree starts from; files that are not committed are not in a worktree. */
export async function suggestCommands(gitDir: string, mainBranch: string): Promise<Suggestion> {
  const tree = await tryGit(gitDir, ['ls-tree', '--name-only', '-z', `refs/heads/${mainBranch}`]);
  const names = new Set(tree.stdout.split('\0').filter(Boolean));
  const texts = new Map<string, string>();
  for (const name of READ.filter((each) => names.has(each))) {
    const shown = await tryGit(gitDir, ['cat-file', 'blob', `refs/heads/${mainBranch}:${name}`]);
    if (shown.code === 0) texts.set(name, shown.stdout);
  }
  return suggestionFrom({ has: (name) => names.has(name), text: (name) => texts.get(name) ?? '' });
}

/**
 * Makes commits of trees that are there already. The object is written here rather than by `git commit-tree`: starting a
 * process costs a large daemon several times the merge before it. Format: gitformat-loose-object, git's Documentation.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { git, tryGit } from '../base/git.ts';
import { newId } from '../base/id.ts';
import { DURABLE } from './trial.ts';

export interface Signature {
  name: string;
  email: string;
  /** Seconds since 1970 and offset of the zone, as in `1700000000 +0100`; now when not given. */
  date?: string;
}

export interface CommitSpec {
  tree: string;
  parents: readonly string[];
  message: string;
  author: Signature;
  committer: Signature;
}

export interface Committer {
  /** The person's own git identity where there is one, else the name of who accepted. */
  identityOf(author: string): Signature;
  /** Writes a commit, on disk when this returns, and gives its id. */
  commit(spec: CommitSpec): Promise<string>;
}

const compress = promisify(deflate);

function zoneOf(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${offset < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}${String(minutes).padStart(2, '0')}`;
}

/** What would end the field early, and what git drops at its ends, is not part of a name (git: ident.c). */
const plain = (text: string) => text.replace(/[\0\n<>]/g, '').replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '');

/** The content of a commit object. Pure; `now` dates what has no date of its own. */
export function commitText({ tree, parents, message, author, committer }: CommitSpec, now: Date): string {
  const sign = ({ name, email, date }: Signature) =>
    `${plain(name) || 'godel'} <${plain(email)}> ${date ?? `${Math.floor(now.getTime() / 1000)} ${zoneOf(now)}`}`;
  return [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${sign(author)}`,
    `committer ${sign(committer)}`,
    '',
    message.replaceAll('\0', ''),
  ].join('\n');
}

/** Writes a loose object: complete under another name first, so that nobody ever reads a part of it. */
async function writeObject(gitDir: string, oid: string, object: Buffer): Promise<void> {
  const folder = join(gitDir, 'objects', oid.slice(0, 2));
  const path = join(folder, oid.slice(2));
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `tmp_obj_${newId()}`);
  const file = await open(unfinished, 'wx', 0o444);
  try {
    await file.writeFile(await compress(object));
    await file.sync();
    await link(unfinished, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await unlink(unfinished);
  }
}

async function writeCommit(gitDir: string, spec: CommitSpec): Promise<string> {
  const content = Buffer.from(commitText(spec, new Date()));
  const object = Buffer.concat([Buffer.from(`commit ${content.length}\0`), content]);
  // The repository's hash is known by the length of its ids.
  const oid = createHash(spec.tree.length === 64 ? 'sha256' : 'sha1')
    .update(object)
    .digest('hex');
  await writeObject(gitDir, oid, object);
  return oid;
}

function commitByGit(gitDir: string, { tree, parents, message, author, committer }: CommitSpec): Promise<string> {
  const env = (role: string, { name, email, date }: Signature) => ({
    [`GIT_${role}_NAME`]: name,
    [`GIT_${role}_EMAIL`]: email,
    ...(date === undefined ? {} : { [`GIT_${role}_DATE`]: date }),
  });
  return git(gitDir, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'], {
    input: message,
    env: { ...env('AUTHOR', author), ...env('COMMITTER', committer) },
    config: DURABLE,
  });
}

/** Reads once what commits in a repository depend on. */
export async function createCommitter(gitDir: string): Promise<Committer> {
  const keys = '^(user\\.name|user\\.email|core\\.sharedrepository)$';
  const { stdout } = await tryGit(gitDir, ['config', '--null', '--get-regexp', keys]);
  const settings = new Map(
    stdout.split('\0').map((each) => {
      const [key = '', ...value] = each.split('\n');
      return [key, value.join('\n').trim()] as const;
    }),
  );
  // Only git knows which modes the objects of a shared repository must have.
  const write = settings.has('core.sharedrepository') ? commitByGit : writeCommit;
  return {
    identityOf: (author) => ({
      name: settings.get('user.name') || author,
      email: settings.get('user.email') || 'godel@localhost',
    }),
    commit: (spec) => write(gitDir, spec),
  };
}

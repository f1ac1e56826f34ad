/** Bad input: every refusal says what and why and what to do next, with its exit code, and leaves nothing half done. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Convoy } from '../../src/convoys/schema.ts';
import { createHome, makeRepository, type TestHome } from '../support/home.ts';

let home: TestHome;

beforeAll(async () => {
  home = await createHome();
});
afterAll(() => home.stop());

/** Exit code and the two lines of a refusal. */
async function refusal(args: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const { code, stdout, stderr } = await home.godel(args, options);
  const [what = '', next = '', ...more] = stderr.trimEnd().split('\n');
  expect(stdout).toBe('');
  expect(more, stderr).toEqual([]);
  expect(stderr).not.toMatch(/ {4}at /);
  return { code, what, next };
}

describe('repositories', () => {
  test('not a repository', async () => {
    expect(await refusal(['bead', 'list'], { cwd: home.folder })).toMatchObject({
      code: 1,
      what: expect.stringContaining('is not inside a git repository'),
      next: expect.stringContaining('git init'),
    });
  });
  test('without commits', async () => {
    const empty = join(home.folder, 'empty');
    await mkdir(empty);
    await git(empty, ['init', '-q']);
    expect(await refusal(['bead', 'create', 'x'], { cwd: empty })).toMatchObject({
      code: 1,
      what: expect.stringContaining('has no commit yet'),
    });
  });
  test('bare', async () => {
    const bare = join(home.folder, 'bare.git');
    await git(home.folder, ['init', '-q', '--bare', bare]);
    expect(await refusal(['bead', 'list'], { cwd: bare })).toMatchObject({
      code: 1,
      what: expect.stringContaining('bare repository'),
    });
  });
  test('a detached HEAD is no obstacle while there is a main branch', async () => {
    const detached = await makeRepository(join(home.folder, 'detached ünïcode'));
    await git(detached, ['checkout', '-q', '--detach']);
    expect((await home.godel(['bead', 'create', 'works'], { cwd: detached })).code).toBe(0);
  });
  test('a subfolder and a linked worktree are the same project, whatever GIT_DIR says', async () => {
    const sub = join(home.repository, 'deep', 'down');
    await mkdir(sub, { recursive: true });
    await git(home.repository, ['worktree', 'add', '-q', '--detach', join(home.folder, 'linked')]);
    const { id } = await home.json<Bead>('bead', 'create', 'one project');
    for (const cwd of [sub, join(home.folder, 'linked')]) {
      const found = await home.godel(['bead', 'show', id], { cwd, env: { GIT_DIR: '/nowhere' } });
      expect(found.code, found.stderr).toBe(0);
    }
  });
});

describe('input', () => {
  test('a title of 10,000 characters is refused, with both numbers', async () => {
    expect(await refusal(['bead', 'create', 'x'.repeat(10_000)])).toMatchObject({
      code: 2,
      what: expect.stringContaining('10000 characters; at most 500'),
      next: expect.stringContaining('--description'),
    });
  });
  test('newlines, control characters and emoji in a title become one clean line', async () => {
    const bead = await home.json<Bead>('bead', 'create', 'a\nb\u0007c\u001b[31m 🚀 日本');
    expect(bead.title).toBe('a b c [31m 🚀 日本');
    expect((await home.godel(['bead', 'list'])).stdout).toContain('a b c [31m 🚀 日本');
  });
  test('an empty title', async () => {
    expect(await refusal(['bead', 'create', ' \n '])).toMatchObject({
      code: 2,
      what: expect.stringContaining('title is empty'),
    });
  });
  test('unknown ids are exit 3', async () => {
    expect(await refusal(['bead', 'show', 'godel-zzzzz'])).toMatchObject({
      code: 3,
      what: expect.stringContaining('no bead "godel-zzzzz"'),
    });
    expect(await refusal(['agent', 'stop', 'nobody'])).toMatchObject({ code: 3 });
    expect(await refusal(['convoy', 'status', 'nothing'])).toMatchObject({ code: 3 });
  });
  test('an ambiguous prefix is exit 4 and names what it could be', async () => {
    const first = await home.json<Bead>('bead', 'create', 'one');
    expect(await refusal(['bead', 'show', 'godel-'])).toMatchObject({
      code: 4,
      what: expect.stringContaining('godel-'),
      next: 'Type more of the id.',
    });
    expect((await home.json<Bead>('bead', 'show', first.id.slice(6))).id).toBe(first.id);
  });
  test('wrong usage is exit 2, with the nearest right word', async () => {
    expect(await refusal(['bead', 'crate', 'x'])).toMatchObject({ code: 2, next: expect.stringContaining('create') });
    expect(await refusal(['bead', 'create', 'x', '--tpye', 'bug'])).toMatchObject({
      code: 2,
      next: expect.stringContaining('--type'),
    });
    expect(await refusal(['bead', 'create', 'x', '--type', 'wish'])).toMatchObject({
      code: 2,
      what: expect.stringContaining('wish'),
    });
    expect(await refusal(['bead', 'create'])).toMatchObject({ code: 2, what: expect.stringContaining('title') });
    expect(await refusal(['bead', 'list', '--limit', '0'])).toMatchObject({
      code: 2,
      what: expect.stringContaining('limit'),
    });
    expect(await refusal(['frobnicate'])).toMatchObject({ code: 2, what: expect.stringContaining('frobnicate') });
  });
  test('the board without a terminal is refused', async () => {
    expect(await refusal([])).toMatchObject({ what: expect.stringContaining('needs a terminal') });
  });
  test('an agent or a bead that is not there is said so before the terminal that is missing', async () => {
    expect(await refusal(['agent', 'attach', 'nosuch'])).toMatchObject({
      code: 3,
      what: expect.stringContaining('nosuch'),
    });
    expect(await refusal(['review', 'open', 'godel-zzzzz'])).toMatchObject({ code: 3 });
  });
  test('--json prints one JSON value, for refusals as well', async () => {
    const result = await home.godel(['bead', 'show', 'godel-zzzzz', '--json']);
    expect(JSON.parse(result.stderr)).toMatchObject({
      success: false,
      error: { code: 'not_found', details: { reason: 'bead-not-found' } },
    });
  });
  test('the first line of a creation is the contract', async () => {
    expect((await home.godel(['bead', 'create', 'Fix bug'])).stdout).toMatch(/^Created bead godel-[a-z0-9]{5}\n$/);
  });
});

describe('status', () => {
  test('done needs landed work, or a person with --force', async () => {
    const { id } = await home.json<Bead>('bead', 'create', 'not done');
    expect(await refusal(['bead', 'close', id])).toMatchObject({ code: 4, next: expect.stringContaining('--force') });
    expect(await refusal(['bead', 'status', id, 'review'])).toMatchObject({
      code: 4,
      what: `godel: ${id} is open; it cannot go to review from there.`,
    });
    expect((await home.json<Bead>('bead', 'close', id, '--force')).status).toBe('done');
    expect((await home.json<Bead>('bead', 'status', id, 'open')).status).toBe('open');
  });
  test('a convoy follows its beads', async () => {
    const [a, b] = [await home.json<Bead>('bead', 'create', 'a'), await home.json<Bead>('bead', 'create', 'b')];
    const convoy = await home.json<Convoy>('convoy', 'create', 'Sprint 1', a.id, b.id);
    expect(convoy.id).toMatch(/^convoy-\d{8}-[a-z0-9]{3}$/);
    for (const { id } of [a, b]) await home.json('bead', 'close', id, '--force');
    const report = await home.json<{ convoy: Convoy; progress: object }>('convoy', 'status', 'Sprint 1');
    expect(report.progress).toMatchObject({ done: 2, total: 2, percent: 100 });
    expect(report.convoy.status).toBe('completed');
  });
  test('ready means open without an open blocker', async () => {
    const first = await home.json<Bead>('bead', 'create', 'first');
    const second = await home.json<Bead>('bead', 'create', 'second', '--blocked-by', first.id);
    const ready = async () =>
      (await home.json<{ items: Bead[] }>('bead', 'list', '--ready', '--limit', '1000')).items.map((bead) => bead.id);
    expect(await ready()).not.toContain(second.id);
    await home.json('bead', 'close', first.id, '--force');
    expect(await ready()).toContain(second.id);
  });
});

test('the user’s HEAD, index, config, branches and status stay byte-equal through bead operations', async () => {
  await writeFile(join(home.repository, 'dirty.txt'), 'mine\n');
  const { readFile } = await import('node:fs/promises');
  const look = async () => [
    await readFile(join(home.repository, '.git', 'HEAD')),
    await readFile(join(home.repository, '.git', 'index')),
    await readFile(join(home.repository, '.git', 'config')),
    await git(home.repository, ['for-each-ref', 'refs/heads']),
    await git(home.repository, ['status', '--porcelain']),
  ];
  const before = await look();
  const { id } = await home.json<Bead>('bead', 'create', 'quiet');
  await home.json('bead', 'update', id, '--priority', 'high', '--label', 'a', '--label', 'b');
  await home.json('bead', 'note', 'hello', id);
  await home.json('bead', 'delete', id);
  expect(await look()).toEqual(before);
});

describe('the daemon', () => {
  test('a taken port is named, with the way around it', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const env = { GODEL_HOME: join(home.folder, 'second'), GODEL_PORT: String(port) };
    expect(await refusal(['bead', 'list'], { env })).toMatchObject({
      code: 1,
      what: expect.stringContaining(`Port ${port}`),
      next: expect.stringContaining('GODEL_PORT=0'),
    });
    await new Promise((resolve) => blocker.close(resolve));
    await home.godel(['daemon', 'stop', '--all'], { env });
  });
  test('many commands at once start one daemon', async () => {
    await home.godel(['daemon', 'stop']);
    const results = await Promise.all(Array.from({ length: 6 }, () => home.godel(['status', '--json'])));
    expect(results.map((result) => result.code)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(new Set(results.map((result) => (JSON.parse(result.stdout) as { pid: number }).pid)).size).toBe(1);
  });
  test('status while it is down is exit 5; --no-start does not start it', async () => {
    await home.godel(['daemon', 'stop']);
    expect((await refusal(['daemon', 'status'])).code).toBe(5);
    expect((await refusal(['bead', 'list', '--no-start'])).code).toBe(5);
    expect((await home.godel(['daemon', 'start'])).stdout).toMatch(/^Started/);
    expect((await home.godel(['daemon', 'start'])).stdout).toMatch(/^Already running/);
  });
  test('a daemon of another version is refused with the command that helps', async () => {
    const { readFile } = await import('node:fs/promises');
    const record = JSON.parse(await readFile(home.paths.daemonFile, 'utf8')) as object;
    await writeFile(home.paths.daemonFile, JSON.stringify({ ...record, version: '0.0.1' }));
    expect(await refusal(['bead', 'list'])).toMatchObject({
      code: 5,
      what: expect.stringContaining('0.0.1'),
      next: expect.stringContaining('godel daemon restart'),
    });
    expect((await home.godel(['daemon', 'restart'])).code).toBe(0);
    expect((await home.godel(['bead', 'list'])).code).toBe(0);
  });
  test('a missing tmux is named with the command that installs it', async () => {
    const bin = join(home.folder, 'bin');
    await mkdir(bin);
    const { run } = await import('../../src/base/process.ts');
    for (const tool of ['git', 'sh', 'env', 'cat']) {
      const { stdout } = await run('which', [tool]);
      await writeFile(join(bin, tool), `#!/bin/sh\nexec ${stdout.trim()} "$@"\n`);
      await chmod(join(bin, tool), 0o755);
    }
    const env = { GODEL_HOME: join(home.folder, 'third'), PATH: bin };
    expect(await refusal(['bead', 'list'], { env })).toMatchObject({
      code: 1,
      what: expect.stringContaining('tmux 3.2a or newer is needed'),
      next: expect.stringMatching(/apt-get|brew/),
    });
    await home.godel(['daemon', 'stop', '--all'], { env });
  });
  test('a home that cannot be written is named', async () => {
    await writeFile(join(home.folder, 'a-file'), '');
    expect(await refusal(['bead', 'list'], { env: { GODEL_HOME: join(home.folder, 'a-file', 'home') } })).toMatchObject(
      { code: 1, what: expect.stringContaining('Cannot write to') },
    );
  });
  test('bad configuration names file and key', async () => {
    const { rm } = await import('node:fs/promises');
    await mkdir(join(home.repository, '.godel'), { recursive: true });
    const file = join(home.repository, '.godel', 'config.yaml');
    await writeFile(file, 'runtme: pi\n');
    expect(await refusal(['agent', 'spawn', 'x'])).toMatchObject({ code: 1, what: expect.stringContaining('runtme') });
    await rm(file);
  });
});

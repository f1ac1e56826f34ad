/** Worktrees through the compiled program: what a person types, what an agent is given, and a daemon that is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Worktree } from '../../src/worktrees/schema.ts';
import { createHome, GODEL, type TestHome, until } from '../support/home.ts';

let home: TestHome;

beforeAll(async () => {
  home = await createHome();
});
afterAll(() => home.stop());

const newBead = (title: string) => home.json<Bead>('bead', 'create', title);
const set = (key: string, value: string) => home.json('config', 'set', key, value);
const list = async () => (await home.json<{ items: Worktree[] }>('worktree', 'list')).items;
const there = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
const pidIn = (file: string) =>
  until(`a pid in ${file}`, async () => {
    const text = await readFile(join(home.folder, file), 'utf8').catch(() => '');
    return text.endsWith('\n') && Number(text);
  });

test('a plan first, then the worktree, with the output of its set-up command', async () => {
  const bead = await newBead('by hand');
  await mkdir(join(home.repository, 'sub'));
  await writeFile(join(home.repository, 'sub', 'f.txt'), 'x');
  await writeFile(join(home.repository, '.gitignore'), '.env\n');
  await git(home.repository, ['add', '-A']);
  await git(home.repository, ['commit', '-q', '-m', 'more']);
  await writeFile(join(home.repository, '.env'), 'A=1');
  await set('setup_command', 'echo preparing $GODEL_BEAD_ID');
  const config = await readFile(join(home.repository, '.git', 'config'), 'utf8');
  const plan = await home.godel(['worktree', 'create', bead.id, '--dry-run']);
  expect(plan.stdout).toContain(`bead/${bead.id} from main`);
  expect(plan.stdout).toMatch(/copy +file +\.env/);
  expect(plan.stdout).toContain('Would run echo preparing');
  expect(await list()).toEqual([]);
  const made = await home.godel(['worktree', 'create', bead.id, '--sparse', 'sub']);
  expect(made).toMatchObject({ code: 0, stdout: `Made ${home.repository}/.godel/worktrees/${bead.id}\n` });
  expect(made.stderr).toContain(`preparing ${bead.id}`);
  expect((await home.godel(['worktree', 'logs', bead.id])).stdout).toContain(`preparing ${bead.id}`);
  expect((await home.godel(['worktree', 'setup', bead.id])).stderr).toContain(`preparing ${bead.id}`);
  const shown = await home.json<{ worktree: Worktree; environment: Record<string, string>; files: unknown[] }>(
    'worktree',
    'show',
    bead.id,
  );
  expect(shown).toMatchObject({ worktree: { state: 'ready', sparse: ['sub'] }, files: [{ path: '.env' }] });
  expect(shown.environment.GODEL_PORT_BASE).toBe(String(shown.worktree.ports?.base));
  expect((await home.godel(['worktree', 'usage'])).stdout).toContain(bead.id);
  expect(await readFile(join(home.repository, '.git', 'config'), 'utf8')).toBe(config);
});

test('work is kept on request, and comes back after the worktree was removed', async () => {
  const [tree] = await list();
  const { beadId: id, path } = tree as Worktree;
  await writeFile(join(path, 'draft.txt'), 'draft');
  expect((await home.godel(['worktree', 'snapshot', id, '--reason', 'mine'])).stdout).toContain('Kept');
  expect((await home.godel(['worktree', 'snapshot', id])).stdout).toContain('Nothing new');
  await home.json('worktree', 'remove', id);
  expect(await there(path)).toBe(false);
  expect((await home.godel(['worktree', 'restore', id])).stdout).toContain('Restored 1 files');
  expect(await readFile(join(path, 'draft.txt'), 'utf8')).toBe('draft');
  await rm(path, { recursive: true });
  expect((await list())[0]?.state).toBe('missing');
  expect((await home.godel(['worktree', 'repair'])).stdout).toContain(`godel worktree restore ${id}`);
  await home.json('worktree', 'restore', id);
  expect(await readFile(join(path, 'draft.txt'), 'utf8')).toBe('draft');
  await git(home.repository, ['worktree', 'move', '-f', '-f', path, join(home.folder, 'elsewhere')]);
  expect((await list()).map((each) => each.state)).toEqual(['elsewhere']);
  await home.json('worktree', 'repair', id, '--path', join(home.folder, 'elsewhere'));
  expect((await list()).map((each) => [each.state, each.path])).toEqual([['ready', path]]);
});

test('an agent has the ports of its worktree; reclaim never takes one that an agent is in', async () => {
  await set('setup_command', '');
  const bead = await newBead('with an agent');
  const command = 'echo "ports $GODEL_PORT_BASE-$GODEL_PORT_END in $GODEL_WORKTREE"; sleep 1000';
  const { items } = await home.json<{ items: Agent[] }>('agent', 'spawn', '--command', command, '--bead', bead.id);
  const tree = (await list()).find((each) => each.beadId === bead.id) as Worktree;
  const said = `ports ${tree.ports?.base}-${tree.ports?.end}`;
  await until('ports', async () => (await home.godel(['agent', 'logs', items[0]?.name ?? ''])).stdout.includes(said));
  const plan = await home.json<{ items: { beadId: string }[] }>(
    'worktree',
    'reclaim',
    '--all',
    '--to-gb',
    '0',
    '--dry-run',
  );
  expect(plan.items.map((each) => each.beadId)).not.toContain(bead.id);
  await home.json('agent', 'stop', items[0]?.name ?? '');
  await home.json('bead', 'status', bead.id, 'done', '--force');
  await until('the policy removes it', async () => !(await there(tree.path)));
});

test('ctrl-c in the middle of a set-up command ends it and takes everything back', async () => {
  const bead = await newBead('interrupted');
  await set('setup_command', `sh -c 'echo $$ > "$GODEL_ROOT/../waiting"; exec sleep 1000'`);
  const client = spawn(process.execPath, [GODEL, 'worktree', 'create', bead.id], {
    cwd: home.repository,
    env: home.env,
    stdio: 'ignore',
  });
  const pid = await pidIn('waiting');
  client.kill('SIGINT');
  await once(client, 'exit');
  await until('the command ends', async () => !isRunning(pid));
  await until('taken back', async () => !(await list()).some((each) => each.beadId === bead.id));
  expect(await git(home.repository, ['branch', '--list', `bead/${bead.id}`])).toBe('');
});

test('a daemon killed in the middle of a set-up command heals at its next start', async () => {
  const bead = await newBead('killed');
  await set('setup_command', `sh -c 'echo $$ > "$GODEL_ROOT/../orphan"; exec sleep 1000'`);
  const making = home.godel(['worktree', 'create', bead.id]);
  const pid = await pidIn('orphan');
  process.kill(home.daemonPid(), 'SIGKILL');
  expect((await making).code).not.toBe(0);
  await set('setup_command', '');
  await until('the command ends', async () => !isRunning(pid));
  await until('taken back', async () => !(await list()).some((each) => each.beadId === bead.id));
  expect(await git(home.repository, ['branch', '--list', `bead/${bead.id}`])).toBe('');
  const { items } = await home.json<{ items: { payload: { subject: string } }[] }>('event', 'list', '--limit', '1000');
  expect(items.some((event) => event.payload.subject === bead.id)).toBe(true);
  expect((await home.godel(['worktree', 'create', bead.id])).code).toBe(0);
});

test('spawn shows what the set-up command prints while it runs', async () => {
  const bead = await newBead('watched');
  await set('setup_command', `sh -c 'echo one; while ! test -f "$GODEL_ROOT/../go-on"; do sleep 0.05; done; echo two'`);
  const words = ['agent', 'spawn', '--command', 'sleep 1000', '--bead', bead.id, '--name', 'watched'];
  const client = spawn(process.execPath, [GODEL, ...words], {
    cwd: home.repository,
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let shown = '';
  client.stderr.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  await until('the first line', async () => shown.includes('\none\n'));
  expect(shown).not.toContain('\ntwo\n');
  await writeFile(join(home.repository, '..', 'go-on'), '');
  const [code] = await once(client, 'close');
  expect(code).toBe(0);
  expect(shown).toContain('\ntwo\n');
  await set('setup_command', '');
  await home.json('agent', 'stop', 'watched');
});

test('an agent that is stopped during its set-up ends it, and gives the bead back', async () => {
  const bead = await newBead('stopped early');
  await set('setup_command', `sh -c 'echo $$ > "$GODEL_ROOT/../early"; exec sleep 1000'`);
  const spawning = home.godel(['agent', 'spawn', '--command', 'sleep 1000', '--bead', bead.id, '--name', 'early']);
  const pid = await pidIn('early');
  await home.json('agent', 'stop', 'early');
  expect((await spawning).stderr).toContain('was cancelled');
  expect(isRunning(pid)).toBe(false);
  expect(await home.json<Bead>('bead', 'show', bead.id)).toMatchObject({ status: 'open' });
  expect((await home.json<Agent>('agent', 'show', 'early')).lifecycle).toBe('killed');
  expect((await list()).some((each) => each.beadId === bead.id)).toBe(false);
});

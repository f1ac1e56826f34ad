/** Points to go back to: made by themselves, by people and by agents; found again in git when the database is gone. */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Checkpoint, Session } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;
beforeEach(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterEach(() => home.stop());

const list = async (...words: string[]) =>
  (await home.json<{ items: Checkpoint[] }>('checkpoint', 'list', ...words)).items;

async function atRest(name: string): Promise<void> {
  await until(`${name} idle`, async () => (await home.json<Agent>('agent', 'show', name)).observed.state === 'idle');
}

async function spawn(name: string, ...steps: string[]): Promise<Bead> {
  const bead = await home.json<Bead>('bead', 'create', `Work of ${name}`, '--description', script(...steps));
  await home.json('agent', 'spawn', '--bead', bead.id, '--name', name);
  return bead;
}

test('an agent at rest, an agent that asks, a person, and an end each leave one; the newest by itself, the asked for always', async () => {
  await home.json('config', 'set', 'checkpoint_keep', '1');
  const bead = await spawn('pilot', 'bash: echo one > a.txt; godel checkpoint create --name mine', 'say: first');
  const [first, mine] = await until('a checkpoint at rest', async () => {
    const items = await list('--bead', bead.id);
    return items.some((each) => each.reason === 'rest') && items;
  });
  expect(mine).toMatchObject({ name: 'mine', reason: 'asked', kept: true, createdBy: 'pilot', turns: 2 });
  expect(first).toMatchObject({ reason: 'rest', kept: false, turns: 4, createdBy: 'godel' });
  const ref = `refs/godel/checkpoint/${bead.id}/${first?.id}`;
  expect(first?.ref).toBe(ref);
  expect(await git(home.repository, ['cat-file', '-p', `${first?.code?.commit}:a.txt`])).toBe('one');
  expect(await git(home.repository, ['cat-file', '-p', `${ref}:conversation`])).toContain('"text":"first"');

  const named = await home.godel(['checkpoint', 'create', 'pilot', '--name', 'person']);
  expect(named.stdout).toBe('Created checkpoint person of pilot at turn 4\n');
  expect((await home.godel(['checkpoint', 'create', 'pilot', '--name', 'person'])).code).toBe(4);
  const shown = await home.json<Checkpoint & { files: string[] }>('checkpoint', 'show', 'person');
  expect(shown.files).toEqual(['a.txt']);
  const tree = (await home.godel(['session', 'tree', 'pilot'])).stdout;
  expect(tree).toMatch(/assistant: first\n {2}\* checkpoint \w+ \(rest\)\n {2}\* checkpoint person \(asked\)/);

  await home.json('agent', 'send', 'pilot', script('bash: echo two > b.txt', 'say: second'), '--wait', '30');
  await until('only the newest is left', async () => {
    const automatic = (await list('--session', 'pilot')).filter((each) => !each.kept);
    return automatic.length === 1 && automatic[0]?.turns === 8;
  });
  // Nothing changed since it rested, so its end adds nothing.
  await home.json('agent', 'stop', 'pilot');
  await home.json('checkpoint', 'delete', 'person');
  expect((await list()).map((each) => each.name ?? each.reason)).toEqual(['rest', 'mine']);
  const refs = await git(home.repository, ['for-each-ref', '--format=%(refname)', 'refs/godel/checkpoint']);
  expect(refs.split('\n')).toHaveLength(2);
});

test('long work leaves checkpoints after so many answers of its model', async () => {
  await home.json('config', 'set', 'checkpoint_turns', '2');
  await spawn('runner', ...[1, 2, 3, 4, 5, 6].map((step) => `bash: echo ${step} > ${step}.txt`), 'say: ran', 'wait: 0');
  await until('a checkpoint of work that goes on', async () =>
    (await list('--session', 'runner')).some((each) => each.reason === 'turns'),
  );
});

test('the database is lost: sessions and checkpoints are read from git again', async () => {
  await spawn('pilot', 'bash: echo one > a.txt', 'say: first');
  await atRest('pilot');
  await home.json('checkpoint', 'create', 'pilot', '--name', 'safe');
  await home.json('agent', 'stop', 'pilot');
  const before = await list();
  const session = await home.json<Session>('session', 'show', 'pilot');
  const pid = home.daemonPid();
  process.kill(pid, 'SIGKILL');
  await until('the daemon is gone', async () => !isRunning(pid));
  const folder = dirname(home.paths.databaseFile);
  for (const name of readdirSync(folder)) if (name.startsWith('godel.db')) rmSync(join(folder, name));
  await home.json('bead', 'list');
  const after = await until('checkpoints are back', async () => {
    const items = await list();
    return items.length === before.length && items;
  });
  expect(after.map(({ id, name }) => [id, name])).toEqual(before.map(({ id, name }) => [id, name]));
  expect((await home.json<{ items: Agent[] }>('agent', 'list', '--all')).items).toEqual([]);
  expect(await home.json<Session>('session', 'show', session.id)).toMatchObject({
    id: session.id,
    agentName: 'pilot',
    status: 'completed',
  });
});

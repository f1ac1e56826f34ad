/** Promise 1: work is never lost. Every process is killed in the middle of its work. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Worktree } from '../../src/worktrees/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;

beforeEach(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterEach(() => home.stop());

const agentOf = async (bead: Bead, name: string) => {
  const { items } = await home.json<{ items: Agent[] }>('agent', 'spawn', '--bead', bead.id, '--name', name);
  return items[0] as Agent;
};

function killDaemon(): void {
  process.kill(home.daemonPid(), 'SIGKILL');
}

describe('the daemon is killed', () => {
  test('in the middle of an agent’s turn: the agent goes on and its work arrives', async () => {
    const bead = await home.json<Bead>(
      'bead',
      'create',
      'Slow work',
      '--description',
      script(
        'bash: sleep 2; echo a > a.txt; git add -A; git commit -qm A',
        'wait: 500',
        'bash: godel done',
        'say: done',
      ),
    );
    const agent = await agentOf(bead, 'steady');
    await until('busy', async () => (await home.json<Agent>('agent', 'show', 'steady')).observed.state === 'busy');
    const proxy = home.proxyPid();
    killDaemon();
    const shown = await home.json<Agent>('agent', 'show', 'steady');
    expect(shown).toMatchObject({ id: agent.id, pid: agent.pid, pane: agent.pane, generation: 1 });
    expect(home.proxyPid()).toBe(proxy);
    const done = await until('review', async () => {
      const current = await home.json<Bead>('bead', 'show', bead.id);
      return current.status === 'review' && current;
    });
    expect(done.commits).toHaveLength(1);
    // The first prompt was not given twice: one prompt, one conversation.
    const prompts = await home.json<{ items: { status: string }[] }>('agent', 'prompts', 'steady');
    expect(prompts.items.map((prompt) => prompt.status)).toEqual(['acknowledged']);
    expect((await home.json<{ requests: number }>('cost', 'show')).requests).toBe(3);
  });

  test('at random points while beads are created: nothing acknowledged is lost, the record stays sound', {
    timeout: process.env.GODEL_TEST_SOAK ? 3_600_000 : 240_000,
  }, async () => {
    const rounds = process.env.GODEL_TEST_SOAK ? 200 : 8;
    const acknowledged = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      await home.json('bead', 'list');
      const client = home.client();
      const victim = home.daemonPid();
      // Counted in answers, so that a slow machine is killed in the middle of its work as well as a fast one.
      const answers = acknowledged.size + 1 + Math.floor(Math.random() * 12);
      const kill = async () => {
        await until('answers before the kill', async () => acknowledged.size >= answers);
        await delay(Math.random() * 20);
        process.kill(victim, 'SIGKILL');
      };
      const workers = Array.from({ length: 4 }, async (_, worker) => {
        for (let index = 0; index < 20; index += 1) {
          const made = await client
            .call('beadCreate', { title: `round ${round} worker ${worker} bead ${index}` })
            .catch(() => undefined);
          if (!made) return;
          acknowledged.add(made.id);
        }
      });
      await Promise.all([kill(), ...workers]);
      await until('the daemon is gone', async () => !isRunning(victim));
    }
    await home.json('bead', 'create', 'first write after the last kill');
    const files = await git(home.repository, ['ls-tree', '-r', '--name-only', 'refs/godel/state']);
    const kept = new Set([...files.matchAll(/(godel-[a-z0-9]{5})\.json/g)].map((match) => match[1] as string));
    expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(rounds);
    await git(home.repository, ['fsck', '--strict', '--no-dangling']);
    // The database agrees with the record, to the last bead.
    const listed = await home.json<{ items: Bead[] }>('bead', 'list', '--limit', '1000');
    if (kept.size < 1000) expect(new Set(listed.items.map((bead) => bead.id))).toEqual(kept);
  });
});

test('the database is deleted: beads come back from git, running agents are found again', async () => {
  const bead = await home.json<Bead>('bead', 'create', 'Remember me', '--priority', 'high', '--label', 'x');
  const { items } = await home.json<{ items: Agent[] }>(
    'agent',
    'spawn',
    '--command',
    'sleep 1000',
    '--name',
    'keeper',
  );
  killDaemon();
  await until('gone', async () => !isRunning(home.daemonPid()));
  for (const suffix of ['', '-wal', '-shm']) await rm(home.paths.databaseFile + suffix, { force: true });
  const { version: _a, projectId: _p, ...before } = bead;
  const { version: _b, projectId: _q, ...after } = await home.json<Bead>('bead', 'show', bead.id);
  expect(after).toMatchObject(before);
  const agent = await home.json<Agent>('agent', 'show', 'keeper');
  expect(agent).toMatchObject({ id: items[0]?.id, pid: items[0]?.pid, lifecycle: 'executing' });
});

test('the database is garbage: it is moved aside and built again', async () => {
  const bead = await home.json<Bead>('bead', 'create', 'Still here');
  killDaemon();
  await until('gone', async () => !isRunning(home.daemonPid()));
  for (const suffix of ['-wal', '-shm']) await rm(home.paths.databaseFile + suffix, { force: true });
  await writeFile(home.paths.databaseFile, 'this is not a database, and long enough to be looked at '.repeat(200));
  expect((await home.json<Bead>('bead', 'show', bead.id)).title).toBe('Still here');
});

test('the proxy is killed: it comes back on its own and agents go on', async () => {
  await home.json('agent', 'spawn', '--name', 'talker');
  const first = home.proxyPid();
  process.kill(first, 'SIGKILL');
  await until('a new proxy', async () => home.proxyPid() !== first && isRunning(home.proxyPid()));
  // The port may be another one: the agent was told the first, so the new proxy must take it again.
  const sent = await home.json<{ status: string }>(
    'agent',
    'send',
    'talker',
    script('say: still talking'),
    '--wait',
    '20',
  );
  expect(sent.status).toBe('acknowledged');
  await until('answer', async () => (await home.godel(['agent', 'logs', 'talker'])).stdout.includes('still talking'));
  await until('counted', async () => (await home.json<{ requests: number }>('cost', 'show')).requests > 0);
});

test('uncommitted work of a stopped agent is kept, and restored after its worktree was deleted', async () => {
  const bead = await home.json<Bead>(
    'bead',
    'create',
    'Unsaved',
    '--description',
    script('bash: echo precious > precious.txt; echo changed >> README.md', 'say: not committed'),
  );
  await agentOf(bead, 'careless');
  await until('idle', async () => (await home.json<Agent>('agent', 'show', 'careless')).observed.state === 'idle');
  await home.json('agent', 'stop', 'careless');
  const worktree = (await home.json<Bead>('bead', 'show', bead.id)).worktree as string;
  await rm(worktree, { recursive: true });
  const restored = await home.json<{ worktree: Worktree; snapshot: { files: string[] } }>(
    'worktree',
    'restore',
    bead.id,
  );
  expect(restored.snapshot.files.sort()).toEqual(['README.md', 'precious.txt']);
  expect(await git(worktree, ['status', '--porcelain'])).toBe(' M README.md\n?? precious.txt');
  expect(await readFile(join(worktree, 'precious.txt'), 'utf8')).toBe('precious\n');
});

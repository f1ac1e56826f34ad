/** The main job: a bead, a real agent, its work reviewed and landed. Nothing is replaced but the provider's words. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

const CANARY = 'sk-canary-provider-key-0123456789';
let home: TestHome;

beforeAll(async () => {
  home = await createHome({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' });
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('config', 'set', 'proof_command', 'test -f proof.txt');
});
afterAll(() => home.stop());

const beadIn = (id: string, status: string) =>
  until(`${id} is ${status}`, async () => {
    const bead = await home.json<Bead>('bead', 'show', id);
    return bead.status === status && bead;
  });

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a bead from creation to main', () => {
  let bead: Bead;
  let agent: Agent;

  test('an agent works on it in its own worktree and hands it over with a proof', async () => {
    const description = script(
      'write: proof.txt <<< "proven\\n"',
      'bash: git add -A && git commit -q -m "Add the proof"',
      'bash: godel note "half way" && env | sort > env.txt && mv env.txt ../../../env-of-agent.txt',
      'bash: godel done',
      'say: finished',
    );
    bead = await home.json<Bead>('bead', 'create', 'Prove it', '--description', description);
    const spawned = await home.json<{ items: Agent[] }>('agent', 'spawn', '--bead', bead.id);
    agent = spawned.items[0] as Agent;
    const done = await beadIn(bead.id, 'review');
    expect(done).toMatchObject({ agent: agent.name, branch: `bead/${bead.id}`, proof: { exitCode: 0, dirty: false } });
    expect(done.proof?.treeHash).toBe(await git(home.repository, ['rev-parse', `bead/${bead.id}^{tree}`]));
    expect(done.notes.map((note) => [note.author, note.text])).toEqual([[agent.name, 'half way']]);
    expect(done.commits).toEqual([await git(home.repository, ['rev-parse', `bead/${bead.id}`])]);
  });

  test('its state came from the agent itself, with source and age', async () => {
    const idle = await until('idle', async () => {
      const shown = await home.json<Agent>('agent', 'show', agent.name);
      return shown.observed.state === 'idle' && shown;
    });
    expect(idle.observed.source).toBe('hook');
    expect(Date.now() - Date.parse(idle.observed.at)).toBeLessThan(20_000);
  });

  test('every request was counted at an exact price', async () => {
    const usage = await home.json<{ requests: number; totalCostNano: number; byBead: Record<string, number> }>(
      'cost',
      'show',
    );
    expect(usage.requests).toBe(5);
    expect(usage.totalCostNano).toBeGreaterThan(0);
    expect(usage.byBead[bead.id]).toBeCloseTo(usage.totalCostNano / 1e9, 9);
  });

  test('a comment sends it back to the same agent, whose answer comes to review again', async () => {
    const comment = `Say it louder\n${script('bash: echo loud >> proof.txt && git commit -qam Louder && godel done', 'say: louder')}`;
    const sent = await home.json<{ delivery: string }>('review', 'return', bead.id, '--comment', comment);
    expect(sent.delivery).toBe('queued');
    const again = await until('second review', async () => {
      const shown = await home.json<Bead>('bead', 'show', bead.id);
      return shown.status === 'review' && shown.commits.length === 2 && shown;
    });
    expect(again.notes.at(-1)?.text).toContain('Say it louder');
  });

  test('accepting lands it on main with its trailer, and frees agent and worktree', async () => {
    const landed = await home.json<{ commit: string }>('review', 'accept', bead.id);
    expect(await git(home.repository, ['rev-parse', 'main'])).toBe(landed.commit);
    expect(await git(home.repository, ['log', '-1', '--format=%(trailers:key=Bead,valueonly)', 'main'])).toContain(
      bead.id,
    );
    expect(await readFile(join(home.repository, 'proof.txt'), 'utf8')).toBe('proven\nloud\n');
    expect(await git(home.repository, ['status', '--porcelain'])).toBe('?? env-of-agent.txt');
    expect(await home.json<Bead>('bead', 'show', bead.id)).toMatchObject({
      status: 'done',
      landedCommit: landed.commit,
    });
    expect((await home.json<Agent>('agent', 'show', agent.name)).lifecycle).toBe('killed');
    expect((await home.json<{ items: unknown[] }>('worktree', 'list')).items).toEqual([]);
  });

  test('the provider key is in no file, log, environment or record an agent could read', async () => {
    const environment = await readFile(join(home.repository, 'env-of-agent.txt'), 'utf8');
    expect(environment).toContain(`GODEL_BEAD_ID=${bead.id}`);
    expect(environment).not.toContain(CANARY);
    for (const file of await filesBelow(home.paths.stateDir)) {
      if (!file.endsWith('.sock')) expect((await readFile(file)).includes(CANARY), file).toBe(false);
    }
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const [environ, command] = await Promise.all(
        ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')),
      );
      if (!environ?.includes(home.paths.stateDir)) continue;
      expect(command).not.toContain(CANARY);
      expect(environ.includes(CANARY), `environment of ${command}`).toBe(false);
    }
  });
});

test('work that fails its proof is refused and stays in progress', async () => {
  const bead = await home.json<Bead>(
    'bead',
    'create',
    'No proof',
    '--description',
    script('bash: git rm -q proof.txt && git commit -qm Gone; godel done', 'say: tried'),
  );
  await home.json('agent', 'spawn', '--bead', bead.id, '--name', 'prover');
  await until('refused', async () =>
    (await home.godel(['agent', 'logs', 'prover'])).stdout.includes('failed with exit code 1'),
  );
  expect((await home.json<Bead>('bead', 'show', bead.id)).status).toBe('in-progress');
  expect((await home.json<Agent>('agent', 'stop', 'prover')).observed.state).toBe('exited');
});

test('a conflict with main is refused with the list of files', async () => {
  const bead = await home.json<Bead>(
    'bead',
    'create',
    'Clash',
    '--description',
    script('bash: echo theirs > README.md && git commit -qam Theirs && godel done', 'say: ok'),
  );
  await home.json('agent', 'spawn', '--bead', bead.id);
  await beadIn(bead.id, 'review');
  await git(home.repository, ['commit', '-q', '--allow-empty', '-m', 'nothing']);
  await import('node:fs/promises').then(({ writeFile }) => writeFile(join(home.repository, 'README.md'), 'ours\n'));
  await git(home.repository, ['commit', '-q', '-a', '-m', 'Ours']);
  const refused = await home.godel(['review', 'accept', bead.id]);
  expect(refused.code).toBe(4);
  expect(refused.stderr).toContain('conflicts with main in: README.md');
  expect(await git(home.repository, ['log', '-1', '--format=%s'])).toBe('Ours');
});

/**
 * Promise 1 under fire: the daemon's whole process group is killed at random points while four clients create, change,
 * exchange, repack and land. A few rounds by default, 200 with `./scripts/test --soak`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git } from '../../src/base/git.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Client } from '../../src/client/client.ts';
import { createHome, type TestHome, until } from '../support/home.ts';

const ROUNDS = process.env.GODEL_TEST_SOAK ? Number(process.env.GODEL_TEST_SOAK_ROUNDS ?? 200) : 4;
let home: TestHome;
let bare: string;

beforeAll(async () => {
  home = await createHome();
  bare = join(home.folder, 'remote.git');
  await git(home.folder, ['clone', '-q', '--bare', home.repository, bare]);
  await git(home.repository, ['remote', 'add', 'origin', bare]);
  // Main is nobody's checkout, so that landing is the queue's business alone.
  await git(home.repository, ['switch', '-q', '-c', 'elsewhere']);
  await home.json('config', 'set', 'main_branch', 'main');
});
afterAll(() => home.stop());

/** What was acknowledged, and the latest that was asked for: the truth lies between the two. */
const created = new Set<string>();
const counters = new Map<string, { acknowledged: number; asked: number }>();
const landed = new Set<string>();
let last = 0;

function nextNumber(): number {
  last += 1;
  return last;
}

async function creator(client: Client): Promise<void> {
  for (;;) created.add((await client.call('beadCreate', { title: `created ${nextNumber()}` })).id);
}

async function changer(client: Client): Promise<void> {
  const { id } = await client.call('beadCreate', { title: '0' });
  const counter = { acknowledged: 0, asked: 0 };
  counters.set(id, counter);
  for (;;) {
    counter.asked += 1;
    await client.call('beadUpdate', { id, title: String(counter.asked), labels: [`n${counter.asked}`] });
    counter.acknowledged = counter.asked;
  }
}

async function keeper(client: Client): Promise<void> {
  for (;;) {
    await client.call('syncRun', {});
    await client.call('doctorRun', { repair: true });
  }
}

/** A bead with a commit on its branch, made without a checkout, brought to review and landed. */
async function lander(client: Client): Promise<void> {
  for (;;) {
    const { id } = await client.call('beadCreate', { title: `work ${nextNumber()}` });
    const blob = await git(home.repository, ['hash-object', '-w', '--stdin'], { input: id });
    const files = `${await git(home.repository, ['ls-tree', 'main'])}\n100644 blob ${blob}\t${id}.txt\n`;
    const tree = await git(home.repository, ['mktree'], { input: files });
    const commit = await git(home.repository, ['commit-tree', tree, '-p', 'main', '-m', `Work of ${id}`]);
    await git(home.repository, ['branch', `bead/${id}`, commit]);
    await client.call('beadStatus', { id, status: 'in-progress' });
    await client.call('beadStatus', { id, status: 'review' });
    const result = await client.call('reviewAccept', { id, wait: 60 });
    if (result.commit) landed.add(id);
  }
}

async function round(): Promise<void> {
  const { daemonPid } = home;
  const victim = daemonPid();
  const workers = [creator, changer, keeper, lander].map((work) => work(home.client()).catch(() => undefined));
  await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 1_800));
  // The group: the daemon and every git it runs. Agents and proxy have groups of their own.
  process.kill(-victim, 'SIGKILL');
  await until('the daemon is gone', async () => !isRunning(victim));
  await Promise.all(workers);
}

async function firstWrite(): Promise<number> {
  // A machine under load may need longer to start it than one command waits.
  await until('it answers', async () => (await home.godel(['status'])).code === 0, 120_000);
  const started = performance.now();
  created.add((await home.client().call('beadCreate', { title: 'first write after the kill' })).id);
  return performance.now() - started;
}

async function allBeads(): Promise<Map<string, Bead>> {
  const client = home.client();
  const found = new Map<string, Bead>();
  for (let cursor: string | undefined; ; ) {
    const page = await client.call('beadList', { limit: 500, ...(cursor ? { cursor } : {}) });
    for (const bead of page.items) found.set(bead.id, bead);
    if (!page.pagination.hasMore) return found;
    cursor = page.pagination.cursor;
  }
}

function check(beads: ReadonlyMap<string, Bead>): void {
  expect([...created].filter((id) => !beads.has(id))).toEqual([]);
  for (const [id, { acknowledged, asked }] of counters) {
    const value = Number(beads.get(id)?.title);
    expect(value, `${id}: acknowledged ${acknowledged}, asked ${asked}`).toBeGreaterThanOrEqual(acknowledged);
    expect(value).toBeLessThanOrEqual(asked);
    expect(beads.get(id)?.labels).toEqual(value === 0 ? [] : [`n${value}`]);
  }
}

test(
  `${ROUNDS} kills lose nothing that was acknowledged, land nothing twice, and leave a sound repository`,
  async () => {
    const writes: number[] = [];
    for (let count = 0; count < ROUNDS; count += 1) {
      writes.push(await firstWrite());
      await round();
      if (count % 20 === 19) check(await firstWrite().then(allBeads));
    }
    writes.push(await firstWrite());
    const report = await home.client().call('doctorRun', { repair: true });
    expect(report.findings.filter((finding) => finding.status === 'problem')).toEqual([]);
    const beads = await allBeads();
    check(beads);
    // The ref says the same as the rows.
    const files = await git(home.repository, ['ls-tree', '-r', '--name-only', 'refs/godel/state']);
    const inGit = new Set(files.match(/godel-[a-z0-9]{5}(?=\.json)/g));
    expect([...beads.keys()].filter((id) => !inGit.has(id))).toEqual([]);
    const trailers = await git(home.repository, ['log', '--format=%(trailers:key=Bead,valueonly)', 'main']);
    const times = new Map<string, number>();
    for (const id of trailers.split('\n').filter(Boolean)) times.set(id, (times.get(id) ?? 0) + 1);
    expect([...times].filter(([, count]) => count > 1)).toEqual([]);
    expect([...landed].filter((id) => !times.has(id))).toEqual([]);
    expect(await git(home.repository, ['fsck', '--strict', '--no-dangling'], { timeoutMs: 300_000 })).toBe('');
    await home.client().call('syncRun', {});
    expect(await git(bare, ['rev-parse', 'refs/godel/state'])).toBe(
      await git(home.repository, ['rev-parse', 'refs/godel/state']),
    );
    writes.sort((a, b) => a - b);
    const at = (share: number) => Math.round(writes[Math.floor(share * (writes.length - 1))] ?? 0);
    const acknowledged = [...counters.values()].reduce((sum, each) => sum + each.acknowledged, created.size);
    const text = `${ROUNDS} kills, ${acknowledged} acknowledged changes, ${landed.size} landings; first write after a start: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`;
    process.stdout.write(`${text}\n`);
    if (process.env.GODEL_TEST_SOAK) await writeFile(join(home.folder, 'soak.txt'), text);
    expect(await readFile(home.paths.daemonFile, 'utf8')).toContain('pid');
  },
  ROUNDS * 30_000 + 60_000,
);

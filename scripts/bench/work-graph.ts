/**
 * Lists, ready work, searches and claims over 100,000 beads, each beside the naive way in the same run: reading every
 * body and looking into it. In process, on the real database and the real git record; `--beads 100000 --rounds 20`.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newId, newUid } from '../../src/base/id.ts';
import { createLog } from '../../src/base/log.ts';
import { homePaths } from '../../src/base/paths.ts';
import { table } from '../../src/base/table.ts';
import { createClaimService } from '../../src/beads/claim-service.ts';
import { type BeadFilter, beadsOf, listBeads } from '../../src/beads/listing.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { allBeads, beadRow, statusCounts } from '../../src/beads/store.ts';
import { createCore } from '../../src/daemon/core.ts';
import type { Project } from '../../src/repos/schema.ts';
import { insertProject } from '../../src/repos/store.ts';
import { rebuildGraph } from '../../src/storage/graph.ts';
import { searchDocuments } from '../../src/storage/search.ts';
import { makeRepository } from '../../test/support/home.ts';
import { beadId } from './bench-home.ts';

const { values: options } = parseArgs({
  options: { beads: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '20' } },
});
const COUNT = Number(options.beads);
const ROUNDS = Number(options.rounds);
/** Reading everything takes seconds: once is enough to compare. */
const NAIVE_ROUNDS = 1;
const START = Date.parse('2026-01-01T00:00:00Z');
const TYPES = ['task', 'bug', 'feature', 'refactor'] as const;
const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const;
const STATUSES = ['open', 'open', 'open', 'in-progress', 'review', 'done', 'done', 'done'] as const;

const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-bench-graph-')));
const environment = { GODEL_HOME: join(folder, 'home'), HOME: folder };
const log = createLog({ level: 'error', destination: 2, name: 'bench' });
const core = await createCore({ paths: homePaths(environment), environment, clock: { now: Date.now }, log });
const { db } = core.database;
const path = await makeRepository(join(folder, 'repo'));
const project: Project = {
  id: newId(),
  tenantId: 'default',
  name: 'repo',
  path,
  gitDir: join(path, '.git'),
  mainBranch: 'main',
  createdAt: new Date(START).toISOString(),
};

/** The same numbers in every run. */
let seed = 42;
function random(below: number): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed % below;
}
const WORDS = Array.from({ length: 4_000 }, (_, index) => `w${index.toString(36)}${(index * 7_919).toString(36)}`);
const words = (count: number) =>
  Array.from({ length: count }, () => WORDS[Math.min(random(4_000), random(4_000))]).join(' ');

function makeBead(index: number): Bead {
  const at = new Date(START + index * 1_000).toISOString();
  const blockedBy = index > 10 && index % 3 === 0 ? [beadId(random(index)), beadId(random(index))] : [];
  return {
    id: beadId(index),
    uid: newUid(),
    projectId: project.id,
    type: TYPES[random(4)] ?? 'task',
    title: `${words(5)} ${index}`,
    description: words(90),
    status: STATUSES[random(8)] ?? 'open',
    priority: PRIORITIES[random(4)] ?? 'medium',
    labels: [`area-${random(40)}`, ...(random(500) === 0 ? ['rare'] : [])],
    ...(random(4) === 0 ? { agent: `worker-${random(50)}` } : {}),
    commits: [],
    ...(index > 1_000 && index % 5 === 0 ? { parentBead: beadId(random(1_000)) } : {}),
    blockedBy: [...new Set(blockedBy)],
    related: [],
    discoveredFrom: [],
    ...(random(10) === 0 ? { dueAt: new Date(START + random(400) * 86_400_000).toISOString().slice(0, 10) } : {}),
    notes: random(5) === 0 ? [{ id: `n${index}`, author: 'ann', text: words(20), createdAt: at }] : [],
    metadata: {},
    createdAt: at,
    updatedAt: at,
    version: 1,
  };
}

async function fill(): Promise<void> {
  await core.database.transact(async (tx) => {
    await insertProject(tx, project);
    for (let start = 0; start < COUNT; start += 500) {
      const rows = Array.from({ length: Math.min(500, COUNT - start) }, (_, index) => beadRow(makeBead(start + index)));
      await tx.insertInto('beads').values(rows).execute();
    }
  });
  const started = performance.now();
  await core.database.transact((tx) => rebuildGraph(tx));
  process.stdout.write(`side tables of ${COUNT} beads filled in ${Math.round(performance.now() - started)} ms\n`);
}

async function timed(rounds: number, work: (round: number) => Promise<unknown>): Promise<[p50: number, p95: number]> {
  const found: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    await work(round);
    found.push(performance.now() - started);
  }
  found.sort((a, b) => a - b);
  const at = (share: number) => found[Math.min(found.length - 1, Math.floor(share * found.length))] ?? 0;
  return [at(0.5), at(0.95)];
}

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const rows: string[][] = [];
async function compare(
  what: string,
  bar: string,
  ours: (round: number) => Promise<unknown>,
  naive: () => Promise<unknown>,
) {
  const [p50, p95] = await timed(ROUNDS, ours);
  const [other] = await timed(NAIVE_ROUNDS, naive);
  rows.push([what, ms(p50), ms(p95), bar, ms(other)]);
}

const list = (filter: BeadFilter, order: Partial<Parameters<typeof listBeads>[3]> = {}) =>
  listBeads(db, project.id, filter, { sort: 'created', limit: 100, ...order }, Date.now());
const scan = async (test: (bead: Bead) => boolean) => (await allBeads(db, project.id)).filter(test).slice(0, 100);

async function lists(): Promise<void> {
  await compare(
    'list, first page',
    '< 20 ms',
    () => list({}),
    () => scan(() => true),
  );
  const middle = await list({ status: 'open' }, { limit: 1_000 });
  const { cursor } = middle.pagination;
  await compare(
    'list --status open, after 1,000',
    '< 20 ms',
    () => list({ status: 'open' }, { cursor }),
    () => scan((bead) => bead.status === 'open'),
  );
  await compare(
    'list --type bug --priority high --agent worker-7',
    '< 20 ms',
    () => list({ type: 'bug', priority: 'high', agent: 'worker-7' }),
    () => scan((bead) => bead.type === 'bug' && bead.priority === 'high' && bead.agent === 'worker-7'),
  );
  await compare(
    'list --label rare --status review',
    '< 20 ms',
    () => list({ labels: ['rare'], status: 'review' }),
    () => scan((bead) => bead.labels.includes('rare') && bead.status === 'review'),
  );
  await compare(
    'list --label area-3 --sort updated --reverse',
    '< 20 ms',
    () => list({ labels: ['area-3'] }, { sort: 'updated', reverse: true }),
    () => scan((bead) => bead.labels.includes('area-3')),
  );
  await compare(
    'list --parent',
    '< 20 ms',
    (round) => list({ parent: beadId(round) }),
    () => scan((bead) => bead.parentBead === beadId(1)),
  );
  await compare(
    'list --overdue --sort due',
    '< 20 ms',
    () => list({ overdue: true }, { sort: 'due' }),
    () => scan((bead) => (bead.dueAt ?? '9') < '2026-06' && bead.status !== 'done'),
  );
  await compare(
    'list --text (a word of 1 %)',
    '< 20 ms',
    () => list({ text: WORDS[1_500] }),
    () => scan((bead) => (bead.description ?? '').includes(WORDS[1_500] ?? '')),
  );
}

async function readyAndSearch(): Promise<void> {
  const naiveReady = async () => {
    const all = await allBeads(db, project.id);
    const statuses = new Map(all.map((bead) => [bead.id, bead.status]));
    return all
      .filter((bead) => bead.status === 'open' && bead.blockedBy.every((id) => statuses.get(id) === 'done'))
      .slice(0, 100);
  };
  await compare('ready', '< 20 ms', () => list({ ready: true }, { sort: 'priority' }), naiveReady);
  await compare(
    'ready --label area-3 --agent none',
    '< 20 ms',
    () => list({ ready: true, labels: ['area-3'], agent: 'none' }, { sort: 'priority' }),
    naiveReady,
  );
  const find = async (text: string) => beadsOf(db, project.id, await searchDocuments(db, project.id, text, 20));
  const like = (text: string) => () =>
    db
      .selectFrom('beads')
      .select('body')
      .where('project_id', '=', project.id)
      .where('body', 'like', `%${text}%`)
      .limit(20)
      .execute();
  const rare = WORDS[3_990] ?? '';
  const common = WORDS[5] ?? '';
  await compare('search, one word', '< 20 ms', () => find(rare), like(rare));
  await compare('search, a word of thousands of beads', '< 20 ms', () => find(common), like(common));
  await compare('search, beginning of a word', '< 20 ms', () => find(rare.slice(0, 3)), like(rare.slice(0, 3)));
  await compare('search, two words', '< 20 ms', () => find(`${common} ${WORDS[9]}`), like(common));
  await compare(
    'counts per status',
    '-',
    () => statusCounts(db, project.id),
    async () => (await allBeads(db, project.id)).length,
  );
}

async function claims(): Promise<void> {
  await core.sync.attach(project);
  const service = createClaimService({ ...core, convoyId: async () => '' });
  const context = {
    actor: { kind: 'user' as const, id: 'u', name: 'u' },
    projectId: project.id,
    requestId: '',
    signal: new AbortController().signal,
  };
  const input = { leaseSeconds: 900, force: false, label: [] as string[] };
  const claimNext = (round: number) => service.beadClaim({ ...input, holder: `w${round}` }, context);
  const [p50, p95] = await timed(ROUNDS, claimNext);
  const started = performance.now();
  await Promise.all(Array.from({ length: 64 }, (_, index) => claimNext(1_000 + index)));
  const many = performance.now() - started;
  rows.push(['claim of the next ready bead, in git', ms(p50), ms(p95), 'p95 < 50 ms', '-']);
  rows.push(['64 claims at once, in git', ms(many), `${Math.round(64_000 / many)}/s`, '-', '-']);
}

try {
  await fill();
  await lists();
  await readyAndSearch();
  await claims();
  const head = ['what', 'p50', 'p95', 'bar', 'reading every body'];
  process.stdout.write(`${COUNT} beads, ${ROUNDS} rounds\n${table(head, rows)}\n`);
} finally {
  await core.stop();
  await rm(folder, { recursive: true, force: true });
}

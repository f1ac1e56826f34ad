/** The work graph: links and their cycles, sub-beads, ready work, filters and cursors, search. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bead } from '../../../src/beads/schema.ts';
import { isOverdue } from '../../../src/beads/state.ts';
import { insertBead } from '../../../src/beads/store.ts';
import { rebuildGraph } from '../../../src/storage/graph.ts';
import { toQuery } from '../../../src/storage/search.ts';
import { makeBead } from '../../support/board-data.ts';
import { ANN, createGraphHome, type GraphHome, START } from '../../support/graph-home.ts';

let home: GraphHome;
beforeAll(async () => {
  home = await createGraphHome();
});
afterAll(() => home.stop());

const ann = () => home.as(ANN);
const CREATE = {
  type: 'task',
  priority: 'medium',
  labels: [],
  blockedBy: [],
  related: [],
  discoveredFrom: [],
  metadata: {},
} as const;
type CreateInput = Parameters<GraphHome['beads']['beadCreate']>[0];
/** Every bead has a moment of its own, so that the order of creation is the order of lists. */
const create = (title: string, changes: Partial<CreateInput> = {}, laterMs = 1) => {
  home.advance(laterMs);
  return home.beads.beadCreate(
    {
      ...CREATE,
      labels: [],
      blockedBy: [],
      related: [],
      discoveredFrom: [],
      vars: [],
      metadata: {},
      title,
      ...changes,
    },
    ann(),
  );
};
const link = (bead: Bead, to: Bead, kind: 'blocked-by' | 'blocks' | 'related' | 'discovered-from' = 'blocked-by') =>
  home.beads.beadLink({ id: bead.id, to: [to.id], kind }, ann());
const finish = (bead: Bead) => home.beads.beadClose({ id: bead.id, force: true }, ann());

const LIST = {
  label: [],
  overdue: false,
  ready: false,
  blocked: false,
  sort: 'created',
  reverse: false,
  limit: 100,
} as const;
type ListInput = Parameters<GraphHome['beads']['beadList']>[0];
async function titles(filter: Partial<ListInput> = {}): Promise<string[]> {
  const page = await home.beads.beadList({ ...LIST, label: [], ...filter }, ann());
  return page.items.map((bead) => bead.title);
}
async function ready(label: string): Promise<string[]> {
  const page = await home.beads.beadReady({ label: [label], limit: 100 }, ann());
  return page.items.map((bead) => bead.title);
}

describe('links', () => {
  test('each kind is kept and seen from both sides', async () => {
    const [a, b, c] = [await create('a'), await create('b'), await create('c')];
    await link(a, b);
    await link(a, c, 'related');
    await link(c, a, 'discovered-from');
    await link(b, c, 'blocks');
    const shown = await home.beads.beadShow({ id: a.id }, ann());
    expect(shown).toMatchObject({ blockedBy: [b.id], related: [c.id] });
    expect(shown.relations).toEqual({ blocks: [], related: [c.id], discovered: [c.id], children: [] });
    expect((await home.beads.beadShow({ id: c.id }, ann())).relations.related).toEqual([a.id]);
    expect((await home.beads.beadShow({ id: c.id }, ann())).blockedBy).toEqual([b.id]);
    expect((await home.beads.beadShow({ id: b.id }, ann())).relations.blocks.sort()).toEqual([a.id, c.id].sort());
    const version = (await home.beads.beadShow({ id: a.id }, ann())).version;
    await link(a, b);
    expect((await home.beads.beadShow({ id: a.id }, ann())).version, 'linking twice changes nothing').toBe(version);
    await home.beads.beadUnlink({ id: a.id, to: [b.id], kind: 'blocked-by' }, ann());
    expect((await home.beads.beadShow({ id: a.id }, ann())).blockedBy).toEqual([]);
  });

  test('a cycle is refused on every path to it, and shown', async () => {
    const [a, b, c] = [await create('x'), await create('y'), await create('z')];
    await link(a, b);
    await link(b, c);
    const refusal = {
      reason: 'cycle-refused',
      message: `That would be a cycle: ${c.id} waits for ${a.id} waits for ${b.id} waits for ${c.id}.`,
    };
    await expect(link(c, a)).rejects.toMatchObject(refusal);
    await expect(link(a, c, 'blocks')).rejects.toMatchObject({ reason: 'cycle-refused' });
    await expect(home.beads.beadUpdate({ id: c.id, blockedBy: [a.id] }, ann())).rejects.toMatchObject(refusal);
    await expect(link(a, a)).rejects.toMatchObject({ reason: 'cycle-refused' });
    await expect(link(a, a, 'related')).rejects.toMatchObject({ reason: 'cycle-refused' });
    expect((await home.beads.beadShow({ id: c.id }, ann())).blockedBy).toEqual([]);
  });

  test('a link to a bead that is gone can be taken away', async () => {
    const [a, b] = [await create('stays'), await create('goes')];
    await link(a, b);
    await home.beads.beadDelete({ id: b.id }, ann());
    await home.beads.beadUnlink({ id: a.id, to: [b.id], kind: 'blocked-by' }, ann());
    expect((await home.beads.beadShow({ id: a.id }, ann())).blockedBy).toEqual([]);
  });
});

describe('sub-beads', () => {
  test('form a tree, and never a circle', async () => {
    const root = await create('root');
    const child = await create('child', { parentBead: root.id });
    const grandchild = await create('grandchild', { parentBead: child.id });
    const second = await create('second child', { parentBead: root.id, blockedBy: [child.id] });
    const { items } = await home.beads.beadTree({ id: root.id, limit: 100 }, ann());
    expect(items.map(({ bead, depth, openBlockers }) => [bead.title, depth, openBlockers])).toEqual([
      ['root', 0, []],
      ['child', 1, []],
      ['grandchild', 2, []],
      ['second child', 1, [child.id]],
    ]);
    expect((await home.beads.beadShow({ id: root.id }, ann())).relations.children).toEqual([child.id, second.id]);
    expect(await titles({ parent: root.id })).toEqual(['child', 'second child']);
    await expect(home.beads.beadUpdate({ id: root.id, parentBead: grandchild.id }, ann())).rejects.toMatchObject({
      reason: 'cycle-refused',
      message: `That would be a cycle: ${root.id} is part of ${grandchild.id} is part of ${child.id} is part of ${root.id}.`,
    });
    await expect(home.beads.beadUpdate({ id: root.id, parentBead: root.id }, ann())).rejects.toThrow('cycle');
    await home.beads.beadUpdate({ id: child.id, parentBead: 'none' }, ann());
    const forest = await home.beads.beadTree({ limit: 100 }, ann());
    expect(forest.items.map(({ bead }) => bead.title)).toEqual(['root', 'second child', 'child', 'grandchild']);
    expect((await home.beads.beadTree({ limit: 2 }, ann())).hasMore).toBe(true);
  });
});

describe('ready', () => {
  test('is what is open and waits for nothing, most urgent first', async () => {
    const base = await create('base', { labels: ['r'], priority: 'low' });
    const next = await create('next', { labels: ['r'], blockedBy: [base.id], priority: 'critical' });
    await create('urgent', { labels: ['r'], priority: 'high' });
    expect(await ready('r')).toEqual(['urgent', 'base']);
    expect(await titles({ label: ['r'], blocked: true })).toEqual(['next']);
    await finish(base);
    expect(await ready('r')).toEqual(['next', 'urgent']);
    await home.beads.beadStatus({ id: base.id, status: 'open', force: false }, ann());
    expect(await ready('r'), 'a blocker that is opened again blocks again').toEqual(['urgent', 'base']);
    await finish(base);
    await home.beads.beadDelete({ id: base.id }, ann());
    expect(await ready('r'), 'a blocker that is not there blocks').toEqual(['urgent']);
    await home.beads.beadStatus({ id: next.id, status: 'in-progress', force: false }, ann());
    expect(await titles({ label: ['r'], ready: true, status: 'review' })).toEqual([]);
  });
});

describe('lists', () => {
  test('are narrowed by every filter', async () => {
    const one = await create('Alpha parser', { labels: ['f', 'ui'], type: 'bug', priority: 'high', due: '2026-03-01' });
    const two = await create('Beta lexer', { labels: ['f'], description: 'speaks of parsers', due: '2d' });
    await create('Gamma', { labels: ['f'], due: '2026-12-24T18:00:00+01:00' });
    await home.beads.beadAssign({ id: one.id, agent: 'worker-1' }, ann());
    const convoy = await home.convoys.convoyCreate({ name: 'Filters', beads: [one.id, two.id] }, ann());
    const f = (filter: Partial<ListInput>) => titles({ label: ['f'], ...filter });
    expect(await f({})).toEqual(['Alpha parser', 'Beta lexer', 'Gamma']);
    expect(await f({ label: ['f', 'ui'] })).toEqual(['Alpha parser']);
    expect(await f({ type: 'bug' })).toEqual(['Alpha parser']);
    expect(await f({ priority: 'high' })).toEqual(['Alpha parser']);
    expect(await f({ agent: 'worker-1' })).toEqual(['Alpha parser']);
    expect(await f({ agent: 'none', reverse: true })).toEqual(['Gamma', 'Beta lexer']);
    expect(await f({ convoy: convoy.name })).toEqual(['Alpha parser', 'Beta lexer']);
    expect(await f({ text: 'pars' })).toEqual(['Alpha parser', 'Beta lexer']);
    expect(await f({ text: '***' })).toEqual([]);
    expect(await f({ overdue: true })).toEqual(['Alpha parser']);
    expect(await f({ dueBefore: '3d', sort: 'due' })).toEqual(['Alpha parser', 'Beta lexer']);
    expect(await f({ sort: 'due', reverse: true })).toEqual(['Gamma', 'Beta lexer', 'Alpha parser']);
    expect(await f({ sort: 'priority' })).toEqual(['Alpha parser', 'Beta lexer', 'Gamma']);
    home.advance(3_600_000);
    await home.beads.beadUpdate({ id: two.id, title: 'Beta lexer 2' }, ann());
    expect(await f({ updatedSince: '30h' })).toHaveLength(3);
    expect(await f({ updatedSince: '1h', sort: 'updated' })).toContain('Beta lexer 2');
    expect(await f({ updatedSince: new Date(home.advance(0)).toISOString() })).toEqual(['Beta lexer 2']);
    await expect(f({ dueBefore: 'soon' })).rejects.toMatchObject({ reason: 'bad-input' });
    await home.beads.beadUpdate({ id: one.id, due: 'none' }, ann());
    expect(await f({ overdue: true })).toEqual([]);
  });

  test('are read to the end by cursors while beads come in before, between and after', async () => {
    const { database } = home.core;
    const priorities = ['critical', 'low', 'medium', 'high'] as const;
    let made = 0;
    // Straight into the rows: what is tested is the reading, and a commit a bead takes its time on a busy machine.
    const put = (label: string, title: string, dueAt: string, atMs: number) => {
      made += 1;
      const bead = makeBead(made, {
        id: `godel-z${made.toString(36).padStart(4, '0')}`,
        projectId: home.project.id,
        title,
        labels: [label],
        priority: priorities[made % 4] ?? 'low',
        dueAt,
        createdAt: new Date(atMs).toISOString(),
      });
      return database.transact((tx) => insertBead(tx, bead));
    };
    for (const sort of ['created', 'priority', 'due'] as const) {
      const label = `cursor-${sort}`;
      for (let index = 0; index < 23; index += 1) {
        const due = `2026-04-${String(1 + ((index * 7) % 28)).padStart(2, '0')}`;
        await put(label, `${label} ${index}`, due, START + Math.floor(index / 3));
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await home.beads.beadList({ ...LIST, label: [label], sort, limit: 4, cursor }, ann());
        seen.push(...page.items.map((bead) => `${bead.title} ${bead.id}`));
        cursor = page.pagination.cursor;
        expect(page.pagination.hasMore).toBe(cursor !== undefined);
        if (seen.length < 20)
          for (const atMs of [START, START + 4, START + 100]) await put(label, 'new', '2026-04-02', atMs);
      } while (cursor !== undefined);
      const old = seen.filter((title) => title.startsWith(label));
      expect(old, sort).toHaveLength(23);
      expect(new Set(seen).size, `${sort}: nothing twice`).toBe(seen.length);
    }
  });

  test('a cursor of another order is refused', async () => {
    const page = await home.beads.beadList({ ...LIST, label: [], limit: 1 }, ann());
    const { cursor } = page.pagination;
    const other = home.beads.beadList({ ...LIST, label: [], sort: 'due', cursor }, ann());
    await expect(other).rejects.toMatchObject({ reason: 'bad-input' });
    await expect(home.beads.beadList({ ...LIST, label: [], cursor: 'x' }, ann())).rejects.toThrow('cursor');
  });
});

test('labels are added and taken off one by one', async () => {
  const bead = await create('labelled', { labels: ['b'] });
  expect((await home.beads.beadLabel({ id: bead.id, labels: ['c', 'a', 'b'] }, ann())).labels).toEqual(['a', 'b', 'c']);
  expect((await home.beads.beadUnlabel({ id: bead.id, labels: ['b', 'zz'] }, ann())).labels).toEqual(['a', 'c']);
  expect(await titles({ label: ['a', 'c'] })).toEqual(['labelled']);
  expect(await titles({ label: ['b', 'c'] })).toEqual([]);
});

test('comments are only added, and read in pages', async () => {
  const bead = await create('talked about');
  for (const text of ['one', 'two', 'three']) await home.beads.beadComment({ id: bead.id, text }, ann());
  const first = await home.beads.beadComments({ id: bead.id, limit: 2 }, ann());
  expect(first.items.map((note) => [note.author, note.text])).toEqual([
    ['ann', 'one'],
    ['ann', 'two'],
  ]);
  const rest = await home.beads.beadComments({ id: bead.id, limit: 2, cursor: first.pagination.cursor }, ann());
  expect(rest.items.map((note) => note.text)).toEqual(['three']);
});

describe('search', () => {
  const search = async (text: string, filter: Partial<Parameters<GraphHome['beads']['beadSearch']>[0]> = {}) =>
    (await home.beads.beadSearch({ text, label: [], limit: 20, ...filter }, ann())).items;

  test('finds words, beginnings and phrases in titles, descriptions and comments, titles first', async () => {
    const byText = await create('Something else', { description: 'The zebra crosses the road' });
    const byTitle = await create('Zebra stripes', { labels: ['zoo'] });
    const byComment = await create('Third');
    await home.beads.beadComment({ id: byComment.id, text: 'ask the zebras, then über-cache' }, ann());
    expect((await search('zebra')).map((hit) => hit.bead.id)).toEqual([byTitle.id, byText.id, byComment.id]);
    expect((await search('zeb str')).map((hit) => hit.bead.id)).toEqual([byTitle.id]);
    expect((await search('"crosses the road"')).map((hit) => hit.excerpt)).toEqual(['The zebra crosses the road']);
    expect((await search('zebra -road -ask')).map((hit) => hit.bead.id)).toEqual([byTitle.id]);
    expect((await search('ÜBER-CACHE')).map((hit) => hit.bead.id)).toEqual([byComment.id]);
    expect((await search('zebra', { label: ['zoo'] })).map((hit) => hit.bead.id)).toEqual([byTitle.id]);
    expect(await search('zebra', { status: 'done' })).toEqual([]);
    await home.beads.beadUpdate({ id: byTitle.id, title: 'Horses' }, ann());
    await home.beads.beadDelete({ id: byText.id }, ann());
    expect((await search('zebra')).map((hit) => hit.bead.id)).toEqual([byComment.id]);
  });

  test('takes anything a person types literally', async () => {
    const odd = [
      '"',
      "'",
      '*',
      '(',
      'a AND',
      'NOT',
      'title:x',
      'NEAR(a b)',
      'a"b',
      '^x',
      '-',
      '--',
      'ä{}',
      'x;drop table beads',
      '🚀',
      '"a" OR',
      '\\',
    ];
    for (const text of odd) await expect(search(text), text).resolves.toBeInstanceOf(Array);
    const exact = await create('The NEAR( operator "quoted"');
    expect((await search('NEAR(')).map((hit) => hit.bead.id)).toEqual([exact.id]);
    expect(toQuery('--')).toBeUndefined();
    expect(toQuery('a "b c" -d')).toBe('("a" AND "b c") NOT ("d")');
  });
});

test('everything derived comes out the same when it is filled again from the bodies', async () => {
  const { db } = home.core.database;
  const dump = async () => ({
    links: await db.selectFrom('bead_links').selectAll().orderBy('from_id').orderBy('kind').orderBy('to_id').execute(),
    labels: await db.selectFrom('bead_labels').selectAll().orderBy('bead_id').orderBy('label').execute(),
    convoys: await db.selectFrom('convoy_beads').selectAll().orderBy('convoy_id').orderBy('bead_id').execute(),
    waiting: await db.selectFrom('beads').select(['id', 'open_blockers']).orderBy('id').execute(),
    found: (await home.beads.beadSearch({ text: 'zebra', label: [], limit: 20 }, ann())).items.map(
      (hit) => hit.bead.id,
    ),
  });
  const before = await dump();
  expect(before.links.length).toBeGreaterThan(3);
  await home.core.database.transact((tx) => rebuildGraph(tx));
  expect(await dump()).toEqual(before);
});

test('a day is overdue when it is over, an instant when it has passed', () => {
  const at = (dueAt: string, nowMs: number, status: Bead['status'] = 'open') => isOverdue({ dueAt, status }, nowMs);
  const noon = new Date(2026, 2, 2, 12).getTime();
  expect(at('2026-03-02', noon)).toBe(false);
  expect(at('2026-03-01', noon)).toBe(true);
  expect(at('2026-03-01', noon, 'done')).toBe(false);
  expect(at(new Date(noon - 1).toISOString(), noon)).toBe(true);
  expect(at(new Date(noon + 1).toISOString(), noon)).toBe(false);
  expect(isOverdue({ status: 'open' }, START)).toBe(false);
});

/** Import and export in all four formats: round trips, a second import, dry runs, links, refusals. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bead } from '../../../src/beads/schema.ts';
import { detectFormat } from '../../../src/exchange/formats.ts';
import type { FormatName } from '../../../src/exchange/schema.ts';
import { ANN, createGraphHome, type GraphHome } from '../../support/graph-home.ts';

const homes: GraphHome[] = [];
async function open(): Promise<GraphHome> {
  const home = await createGraphHome();
  homes.push(home);
  return home;
}
let home: GraphHome;
beforeEach(async () => {
  home = await open();
});
afterEach(async () => {
  for (const each of homes.splice(0)) await each.stop();
});

type ImportInput = Parameters<GraphHome['exchange']['beadImport']>[0];
const load = (into: GraphHome, text: string, more: Partial<ImportInput> = {}) =>
  into.exchange.beadImport({ text, update: false, dryRun: false, ...more }, into.as(ANN));
const save = async (from: GraphHome, format: FormatName) =>
  (await from.exchange.beadExport({ format, label: [] }, from.as(ANN))).text;
const all = async (of: GraphHome): Promise<Bead[]> => {
  const filter = { label: [], overdue: false, ready: false, blocked: false, sort: 'created', reverse: false } as const;
  return (await of.beads.beadList({ ...filter, label: [], limit: 1000 }, of.as(ANN))).items;
};
const outcomes = (report: { items: { outcome: string }[] }) => report.items.map((item) => item.outcome);

/** A small project with everything that can be linked and written. */
async function fill(of: GraphHome): Promise<Bead[]> {
  const lists = { labels: [], blockedBy: [], related: [], discoveredFrom: [], vars: [] };
  const create = (title: string, changes: object = {}) => {
    of.advance(1_000);
    return of.beads.beadCreate(
      { ...lists, type: 'task', priority: 'medium', metadata: {}, title, ...changes },
      of.as(ANN),
    );
  };
  const epic = await create('Epic with #hash at the !end #not-a-label', {
    type: 'feature',
    priority: 'critical',
    due: '2026-12-24',
  });
  const base = await create('Base', {
    parentBead: epic.id,
    labels: ['ui', 'a b/c'],
    description: 'Line one\n\n- [ ] not a bead\n  deeper --> end',
  });
  const next = await create('Next due:2026-01-01', {
    parentBead: epic.id,
    type: 'bug',
    blockedBy: [base.id],
    related: [epic.id],
  });
  const found = await create('Found – ünïcode 🚀', {
    parentBead: base.id,
    type: 'refactor',
    priority: 'low',
    discoveredFrom: [next.id],
  });
  await of.beads.beadComment({ id: base.id, text: 'First\nsecond line' }, of.as(ANN));
  await of.beads.beadClose({ id: base.id, force: true }, of.as(ANN));
  await of.beads.beadStatus({ id: found.id, status: 'in-progress', force: false }, of.as(ANN));
  return all(of);
}

/** What each format has a place for. */
const KEPT: Readonly<Record<FormatName, readonly (keyof Bead)[]>> = {
  jsonl: [
    'id',
    'uid',
    'type',
    'title',
    'description',
    'status',
    'priority',
    'labels',
    'parentBead',
    'blockedBy',
    'related',
    'discoveredFrom',
    'dueAt',
    'doneAt',
    'notes',
    'metadata',
    'createdAt',
    'updatedAt',
  ],
  github: [
    'id',
    'uid',
    'type',
    'title',
    'description',
    'status',
    'priority',
    'labels',
    'parentBead',
    'blockedBy',
    'related',
    'discoveredFrom',
    'dueAt',
    'doneAt',
    'notes',
    'createdAt',
  ],
  bd: ['type', 'title', 'description', 'status', 'priority', 'labels', 'dueAt', 'doneAt', 'createdAt'],
  markdown: ['id', 'type', 'title', 'description', 'status', 'priority', 'labels', 'parentBead', 'blockedBy', 'dueAt'],
};

describe.each(['jsonl', 'github', 'bd', 'markdown'] as const)('%s', (format) => {
  test('a project goes out, comes into another one, and out again the same', async () => {
    const beads = await fill(home);
    const text = await save(home, format);
    expect(detectFormat(text)).toBe(format);
    const other = await open();
    other.advance(3_600_000);
    const report = await load(other, text);
    expect(report).toMatchObject({ format, warnings: [] });
    expect(outcomes(report)).toEqual(beads.map(() => 'created'));
    const there = await all(other);
    const byTitle = new Map(there.map((bead) => [bead.title, bead]));
    const pick = (bead: Bead | undefined) => Object.fromEntries(KEPT[format].map((field) => [field, bead?.[field]]));
    for (const bead of beads) expect(pick(byTitle.get(bead.title)), bead.title).toEqual(pick(bead));
    const links = (set: Bead[]) => {
      const titles = new Map(set.map((bead) => [bead.id, bead.title]));
      return set
        .map((bead) => [
          bead.title,
          bead.parentBead && titles.get(bead.parentBead),
          bead.blockedBy.map((id) => titles.get(id)),
        ])
        .sort();
    };
    expect(links(there)).toEqual(links(beads));
    if (format === 'jsonl') expect(await save(other, format)).toBe(text);
  });

  test('a second import changes nothing, and a changed one only with --update', async () => {
    await fill(home);
    const text = await save(home, format);
    const other = await open();
    await load(other, text);
    const before = await all(other);
    expect(new Set(outcomes(await load(other, text)))).toEqual(new Set(['unchanged']));
    expect(await all(other)).toEqual(before);
    expect(new Set(outcomes(await load(home, text))), 'nor does it where it came from').toEqual(new Set(['unchanged']));
    const changed = text.replace('Line one', 'Line 1');
    expect(outcomes(await load(other, changed)).sort()).toEqual(['kept', 'unchanged', 'unchanged', 'unchanged']);
    expect(await all(other)).toEqual(before);
    expect(outcomes(await load(other, changed, { update: true })).sort()).toEqual([
      'unchanged',
      'unchanged',
      'unchanged',
      'updated',
    ]);
    expect((await all(other)).find((bead) => bead.title === 'Base')?.description).toContain('Line 1');
  });
});

test('a dry run says what would be done and does nothing', async () => {
  const report = await load(home, '- [ ] One\n  - [x] Two\n', { dryRun: true });
  expect(report.items.map(({ title, outcome }) => [title, outcome])).toEqual([
    ['One', 'created'],
    ['Two', 'created'],
  ]);
  expect(report.dryRun).toBe(true);
  expect(await all(home)).toEqual([]);
  expect(await home.core.database.db.selectFrom('outbox').selectAll().execute()).toEqual([]);
});

test('a checklist as people write it: nested, with words after the title, between other text', async () => {
  const text = [
    '# Plan',
    'Some words.',
    '* [ ] Build the parser #parser !high type:feature due:2026-12-24',
    '    It reads **files**.',
    '    * [x] Read bytes',
    '    * [/] Read lines',
    '',
    'Not a description.',
    '- [?] Look at it #123',
    '- plain item',
    '- [ ] Look at it #123',
  ].join('\n');
  await load(home, text);
  const beads = await all(home);
  expect(beads.map(({ title, status }) => [title, status]).sort()).toEqual([
    ['Build the parser', 'open'],
    ['Look at it', 'open'],
    ['Look at it', 'review'],
    ['Read bytes', 'done'],
    ['Read lines', 'in-progress'],
  ]);
  const parser = beads.find((bead) => bead.title === 'Build the parser');
  expect(parser).toMatchObject({
    labels: ['parser'],
    priority: 'high',
    type: 'feature',
    dueAt: '2026-12-24',
    description: 'It reads **files**.',
  });
  expect(
    beads
      .filter((bead) => bead.parentBead === parser?.id)
      .map((bead) => bead.title)
      .sort(),
  ).toEqual(['Read bytes', 'Read lines']);
  expect(new Set(outcomes(await load(home, text)))).toEqual(new Set(['unchanged']));
});

test('issues as gh prints them', async () => {
  const issue = (number: number, changes: object) => ({
    number,
    title: `Issue ${number}`,
    body: '',
    state: 'OPEN',
    labels: [],
    url: `https://github.com/acme/app/issues/${number}`,
    createdAt: '2025-01-02T03:04:05Z',
    ...changes,
  });
  const text = JSON.stringify([
    issue(7, { labels: [{ name: 'bug' }, { name: 'priority: high' }, { name: 'ui' }], body: 'It breaks.\r\n' }),
    issue(8, {
      state: 'CLOSED',
      closedAt: '2025-02-01T00:00:00Z',
      comments: [{ author: { login: 'bob' }, body: 'Done', createdAt: '2025-02-01T00:00:00Z' }],
    }),
    issue(9, { labels: [{ name: 'P0' }, { name: 'enhancement' }], body: null }),
  ]);
  await load(home, text);
  const beads = await all(home);
  expect(beads.find((bead) => bead.externalId === 'github:acme/app#7')).toMatchObject({
    type: 'bug',
    priority: 'high',
    labels: ['ui'],
    description: 'It breaks.',
  });
  expect(beads.find((bead) => bead.externalId === 'github:acme/app#8')).toMatchObject({
    status: 'done',
    doneAt: '2025-02-01T00:00:00Z',
    notes: [{ author: 'bob', text: 'Done' }],
  });
  expect(beads.find((bead) => bead.externalId === 'github:acme/app#9')).toMatchObject({
    type: 'feature',
    priority: 'critical',
  });
  const back = JSON.parse(await save(home, 'github')) as { number: number; url: string; labels: { name: string }[] }[];
  expect(back.map(({ number }) => number).sort()).toEqual([7, 8, 9]);
  expect(back.find(({ number }) => number === 7)?.labels.map(({ name }) => name)).toEqual([
    'ui',
    'bug',
    'priority: high',
  ]);
});

test('the lines of bd, with what a bead has no field for, there and back', async () => {
  const lines = [
    {
      id: 'bd-1',
      title: 'Epic',
      description: 'Why',
      design: 'How',
      acceptance_criteria: 'When',
      status: 'open',
      priority: 0,
      issue_type: 'epic',
      created_at: '2025-01-01T00:00:00Z',
      updated_at: '2025-01-02T00:00:00Z',
      labels: ['x'],
    },
    {
      id: 'bd-1.1',
      title: 'Part',
      description: '',
      status: 'blocked',
      priority: 4,
      issue_type: 'chore',
      assignee: 'ann',
      created_at: '2025-01-01T00:00:01Z',
      updated_at: '2025-01-01T00:00:01Z',
      dependencies: [
        { issue_id: 'bd-1.1', depends_on_id: 'bd-2', type: 'blocks' },
        { issue_id: 'bd-1.1', depends_on_id: 'bd-1', type: 'parent-child' },
      ],
    },
    {
      id: 'bd-2',
      title: 'First',
      description: '',
      status: 'closed',
      priority: 2,
      issue_type: 'bug',
      created_at: '2025-01-01T00:00:02Z',
      updated_at: '2025-01-03T00:00:00Z',
      closed_at: '2025-01-03T00:00:00Z',
      comments: [{ id: '5', author: 'bob', text: 'ok', created_at: '2025-01-02T00:00:00Z' }],
    },
  ];
  await load(home, lines.map((line) => JSON.stringify(line)).join('\n'));
  const beads = await all(home);
  const [epic, part, first] = beads;
  expect(epic).toMatchObject({
    type: 'feature',
    priority: 'critical',
    externalId: 'bd:bd-1',
    description: 'Why\n\n## Design\n\nHow\n\n## Acceptance criteria\n\nWhen',
  });
  expect(part).toMatchObject({
    status: 'open',
    priority: 'low',
    agent: 'ann',
    parentBead: epic?.id,
    blockedBy: [first?.id],
  });
  expect(first).toMatchObject({ status: 'done', type: 'bug', notes: [{ author: 'bob', text: 'ok' }] });
  const back = (await save(home, 'bd'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(back).toEqual(lines);
});

test('all or nothing: a cycle, an unreadable line and a key twice refuse the whole', async () => {
  const cycle = ['a', 'b'].map((id) => ({
    id,
    title: id,
    dependencies: [{ depends_on_id: id === 'a' ? 'b' : 'a', type: 'blocks' }],
  }));
  await expect(load(home, cycle.map((line) => JSON.stringify(line)).join('\n'))).rejects.toMatchObject({
    reason: 'cycle-refused',
  });
  await expect(load(home, '{"id":"a","title":"x"}\n{"id":')).rejects.toMatchObject({
    reason: 'bad-input',
    message: expect.stringContaining('line 2 is not JSON'),
  });
  await expect(load(home, '{"id":"a","title":"x"}\n{"id":"a","title":"y"}')).rejects.toThrow('"a" is there twice');
  await expect(load(home, 'nothing of all that')).rejects.toMatchObject({ reason: 'bad-input' });
  await expect(load(home, '[{"title":"no number"}]')).rejects.toThrow('number');
  expect(await all(home)).toEqual([]);
});

test('a link to what is not there is told and left out; one to a bead that is here is kept', async () => {
  const [known] = await fill(home);
  const text = JSON.stringify({
    id: 'x-1',
    title: 'Linked',
    dependencies: [
      { depends_on_id: 'x-9', type: 'blocks' },
      { depends_on_id: known?.id, type: 'related' },
    ],
  });
  const report = await load(home, text, { format: 'bd' });
  expect(report.warnings).toEqual(['x-1 waits for x-9, which is not there']);
  const bead = (await all(home)).find((each) => each.title === 'Linked');
  expect(bead).toMatchObject({ blockedBy: [], related: [known?.id] });
});

test('an id that another bead has here is not taken from it', async () => {
  const beads = await fill(home);
  const text = await save(home, 'jsonl');
  const foreign = text.replaceAll(/"uid":"[^"]{8}/g, '"uid":"ffffffff');
  const report = await load(home, foreign);
  expect(outcomes(report)).toEqual(beads.map(() => 'created'));
  expect(await all(home)).toHaveLength(beads.length * 2);
  expect(new Set(outcomes(await load(home, foreign)))).toEqual(new Set(['unchanged']));
});

test('a large import leaves turns to everything else, and what is read meanwhile is not half of it', async () => {
  const text = Array.from({ length: 1_500 }, (_, index) =>
    JSON.stringify({ id: `x-${index}`, title: `Bead ${index}` }),
  );
  const seen = new Set<number>();
  let turns = 0;
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      seen.add((await all(home)).length);
      turns += 1;
      await nextTurn();
    }
  })();
  const report = await load(home, `${text.join('\n')}\n`);
  isOver = true;
  await looking;
  expect(report.items).toHaveLength(1_500);
  expect(turns).toBeGreaterThan(15);
  // The list gives at most a thousand of them.
  expect([...seen].filter((count) => count !== 0 && count !== 1_000)).toEqual([]);
});

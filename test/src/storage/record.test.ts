/** Records merge by field: the laws hold for thousands of random histories, and each rule does what it says. */
import { describe, expect, test } from 'vitest';
import { beadOfRecord, beadRules } from '../../../src/beads/record.ts';
import { adoptEdits, changeRecord, createRecord, type Stamper } from '../../../src/storage/record/change.ts';
import { findConflicts, isClash, mergeRecords, settleClash } from '../../../src/storage/record/merge.ts';
import { parseRecord, parseWritten, recordText, type StateRecord } from '../../../src/storage/record/record.ts';
import { log, map, quiet, type Rules, ranked, scalar, setBy, tags } from '../../../src/storage/record/rules.ts';
import { formatStamp, nextStamp, parseStamp } from '../../../src/storage/record/stamp.ts';
import { type Random, seeded } from '../../support/random.ts';

const CASES = 1_500;

const rules: Rules = {
  title: scalar,
  status: scalar,
  labels: tags,
  blockedBy: { merge: 'set', order: 'clock' },
  links: setBy((link) => `${link.kind}:${link.id}`),
  notes: log,
  metadata: map,
  claim: ranked((claim) => Number(claim.generation ?? 0)),
  updatedAt: quiet,
};

/** A writer with a clock of its own, which may be wrong. */
function writer(replica: string, now: () => number): Stamper {
  let last = '';
  return (after) => {
    last = nextStamp(after > last ? after : last, now(), replica);
    return last;
  };
}

function randomFields(random: Random, before: Record<string, unknown>): Record<string, unknown> {
  const some = () => Array.from({ length: random.int(4) }, () => random.pick(['a', 'b', 'c', 'd', 'e/f', '']));
  const fields: Record<string, unknown> = { ...before };
  const edits: (() => void)[] = [
    () => (fields.title = random.pick(['x', 'y', 'é🚀'])),
    () => (fields.status = random.pick(['open', 'done'])),
    () => (fields.labels = [...new Set(some())]),
    () => (fields.blockedBy = [...new Set(some())]),
    () => (fields.links = [{ id: random.pick(['1', '2']), kind: random.pick(['k', 'l']), note: random.int(3) }]),
    () => (fields.metadata = { [random.pick(['p', 'q', '__proto__'])]: random.int(3) }),
    () =>
      (fields.claim = random.chance(0.3) ? undefined : { generation: random.int(3), holder: random.pick(['h', 'i']) }),
    () => (fields.future = random.pick([1, null, ['z'], { deep: { er: true } }, undefined])),
    () => {
      const known = (fields.notes as object[] | undefined) ?? [];
      fields.notes = [...known, { id: `n${random.int(1e6)}`, text: 't', createdAt: String(random.int(9)) }];
    },
  ];
  for (let count = 1 + random.int(3); count > 0; count -= 1) random.pick(edits)();
  return fields;
}

/** Three versions of one record, as three replicas with clocks that disagree made them from a common start. */
function threeVersions(random: Random): { start: StateRecord; versions: StateRecord[] } {
  const start = createRecord(
    randomFields(random, { id: 'r', uid: 'u' }),
    rules,
    writer('s', () => 1_000),
  );
  const versions = ['a', 'b', 'c'].map((replica) => {
    let ms = 900 + random.int(300);
    const stamp = writer(replica, () => (ms += random.int(3) - 1));
    let record = start;
    for (let step = random.int(6); step > 0; step -= 1) {
      record = changeRecord(record, randomFields(random, record.fields), rules, stamp);
    }
    return record;
  });
  return { start, versions };
}

const merge = (a: StateRecord, b: StateRecord) => mergeRecords(a, b, rules);
const text = (record: StateRecord) => recordText(record);

/** Runs a law over random cases; a failure names its seed. */
function always(law: (random: Random) => void): void {
  for (let seed = 1; seed <= CASES; seed += 1) {
    try {
      law(seeded(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

describe('laws, each over 1,500 random histories', () => {
  test('it does not matter who merges with whom, in what order, or how often', () =>
    always((random) => {
      const { versions } = threeVersions(random);
      const [a, b, c] = versions as [StateRecord, StateRecord, StateRecord];
      expect(text(merge(a, b))).toBe(text(merge(b, a)));
      expect(text(merge(merge(a, b), c))).toBe(text(merge(a, merge(b, c))));
      expect(text(merge(a, a))).toBe(text(a));
      expect(text(merge(merge(a, b), b))).toBe(text(merge(a, b)));
    }));

  test('three replicas that exchange in any order, and go on changing, end with the same bytes', () =>
    always((random) => {
      const { versions } = threeVersions(random);
      const replicas = versions.map((record) => ({ record }));
      for (let round = random.int(10); round > 0; round -= 1) {
        const [from, to] = [random.pick(replicas), random.pick(replicas)];
        to.record = merge(to.record, parseRecord(text(from.record)));
        if (random.chance(0.3)) {
          const stamp = writer(random.pick(['a', 'b', 'c']), () => 1_000 + random.int(500));
          to.record = changeRecord(to.record, randomFields(random, to.record.fields), rules, stamp);
        }
      }
      const order = random.chance(0.5) ? [0, 1, 2, 0, 1, 2] : [2, 0, 1, 1, 2, 0];
      for (const index of order)
        for (const other of replicas) {
          const one = replicas[index] as { record: StateRecord };
          one.record = merge(one.record, other.record);
        }
      expect(new Set(replicas.map(({ record }) => text(record))).size).toBe(1);
    }));

  test('no element that somebody added and nobody removed is lost', () =>
    always((random) => {
      const { start, versions } = threeVersions(random);
      const merged = versions.reduce(merge);
      const notes = (record: StateRecord) => ((record.fields.notes as { id: string }[]) ?? []).map((note) => note.id);
      for (const version of versions) {
        expect(notes(merged)).toEqual(expect.arrayContaining(notes(version)));
        for (const label of (version.fields.labels as string[] | undefined) ?? []) {
          // A label that was there at the start and is missing somewhere was removed there.
          const removed = versions.some(
            (other) =>
              other.clocks[`labels/${label}`] !== undefined &&
              !((other.fields.labels as string[]) ?? []).includes(label),
          );
          if (!removed) expect(merged.fields.labels).toContain(label);
        }
      }
      expect(Object.keys(merged.fields)).toEqual(expect.arrayContaining(['id', 'uid']));
      expect(start.clocks['*']).toBe(merged.clocks['*']);
    }));

  test('a change is in the record as it was meant, and text is only another form of it', () =>
    always((random) => {
      const { versions } = threeVersions(random);
      const [a] = versions as [StateRecord];
      // A claim is not the latest one's but the highest one's, so it is left as it is.
      const wanted = { ...randomFields(random, a.fields), claim: a.fields.claim };
      const changed = changeRecord(
        a,
        wanted,
        rules,
        writer('z', () => 0),
      );
      const sets = (fields: Record<string, unknown>) => ({
        ...fields,
        blockedBy: [...((fields.blockedBy as string[]) ?? [])].sort(),
        labels: [...((fields.labels as string[]) ?? [])].sort(),
        notes: 0,
        links: 0,
      });
      expect(JSON.parse(JSON.stringify(sets(changed.fields)))).toEqual(JSON.parse(JSON.stringify(sets(wanted))));
      expect(text(parseRecord(text(changed)))).toBe(text(changed));
      // Whoever saw the old value wins with the new one, whatever their clock says.
      expect(text(merge(a, changed))).toBe(text(changed));
    }));
});

describe('rules', () => {
  const at = (replica: string, ms: number) => writer(replica, () => ms);
  const start = createRecord({ id: 'r', uid: 'u', title: 'one', labels: ['x'], metadata: { k: 1 } }, rules, at('s', 1));

  test('unknown fields of a newer version are kept, in meaning and place', () => {
    const newer = parseRecord(
      '{"id":"r","uid":"u","due":{"by":[3,1]},"votes":["b","a"],"_clock":{"*":"000000001-0000-s","votes/b":"000000009-0000-s"}}',
    );
    const merged = merge(newer, changeRecord(newer, { ...newer.fields, title: 'two' }, rules, at('a', 20)));
    expect(merged.fields).toMatchObject({ due: { by: [3, 1] }, votes: ['a', 'b'], title: 'two' });
    const other = changeRecord(newer, { ...newer.fields, votes: ['b', 'a', 'c'] }, rules, at('b', 21));
    expect(merge(merged, other).fields.votes).toEqual(['a', 'b', 'c']);
  });
  test('a removed label stays removed, one that is added again stays', () => {
    const without = changeRecord(start, { ...start.fields, labels: [] }, rules, at('a', 10));
    expect(merge(start, without).fields.labels).toEqual([]);
    const again = changeRecord(without, { ...start.fields, labels: ['x'] }, rules, at('b', 11));
    expect(merge(without, again).fields.labels).toEqual(['x']);
  });
  test('the highest generation of a claim wins over any clock', () => {
    const first = changeRecord(start, { ...start.fields, claim: { generation: 2, holder: 'a' } }, rules, at('a', 10));
    const late = changeRecord(start, { ...start.fields, claim: { generation: 1, holder: 'b' } }, rules, at('b', 99));
    expect(merge(first, late).fields.claim).toEqual({ generation: 2, holder: 'a' });
  });
  test('a conflict is told of once both sides changed one value, and of nothing else', () => {
    const mine = changeRecord(
      start,
      { ...start.fields, title: 'two', labels: ['x', 'a'], updatedAt: '1' },
      rules,
      at('a', 10),
    );
    const yours = changeRecord(
      start,
      { ...start.fields, title: 'three', labels: ['b'], updatedAt: '2' },
      rules,
      at('b', 11),
    );
    const found = findConflicts(mine, yours, start, rules);
    expect(found).toEqual(findConflicts(yours, mine, start, rules));
    expect(found.map(({ field, kept, lost }) => [field, kept.value, lost.value])).toEqual([['title', 'three', 'two']]);
    expect(findConflicts(mine, start, start, rules)).toEqual([]);
    expect(
      findConflicts(mine, changeRecord(start, { ...start.fields, title: 'two' }, rules, at('b', 11)), start, rules),
    ).toEqual([]);
  });
  test('what one writer changed twice is no conflict, though git knows only the first of the two', () => {
    const stamp = at('a', 10);
    const first = changeRecord(start, { ...start.fields, title: 'two' }, rules, stamp);
    const second = changeRecord(first, { ...first.fields, title: 'three' }, rules, stamp);
    expect(findConflicts(second, first, start, rules)).toEqual([]);
    expect(merge(second, first).fields.title).toBe('three');
  });
  test('an edit by hand that touched no clock is a change made now', () => {
    const edited = parseRecord(text(start).replace('"one"', '"by hand"'));
    const adopted = adoptEdits(start, edited, rules, at('a', 10));
    expect(merge(start, adopted).fields.title).toBe('by hand');
    expect(text(adoptEdits(start, start, rules, at('a', 10)))).toBe(text(start));
  });
  test('two things with one id: the older keeps it, whoever decides', () => {
    const other = createRecord({ id: 'r', uid: 'v', title: 'mine' }, rules, at('b', 5));
    expect(isClash(start, other)).toBe(true);
    expect(settleClash(start, other)).toEqual(settleClash(other, start));
    expect(settleClash(other, start).keeper).toBe(start);
  });
});

test('work that is on the main branch is done whatever a stale clone says, until one who knows reopens it', () => {
  const base = {
    id: 'godel-aaaaa',
    uid: 'u',
    type: 'task',
    title: 't',
    status: 'review',
    priority: 'low',
    labels: [],
    commits: [],
    blockedBy: [],
    notes: [],
    metadata: {},
    createdAt: '',
    updatedAt: '',
  };
  const at = (replica: string, ms: number) => writer(replica, () => ms);
  const start = createRecord(base, beadRules, at('s', 1));
  const landed = changeRecord(start, { ...base, status: 'done', landedCommit: 'c1' }, beadRules, at('a', 10));
  const stale = changeRecord(start, { ...base, status: 'in-progress' }, beadRules, at('b', 20));
  const merged = mergeRecords(landed, stale, beadRules);
  expect(beadOfRecord(merged.fields).status).toBe('done');
  const reopened = changeRecord(
    merged,
    { ...merged.fields, status: 'open', reopenedFrom: 'c1' },
    beadRules,
    at('a', 30),
  );
  expect(beadOfRecord(reopened.fields).status).toBe('open');
});

test('a record that was written is told from one that says the same in another way', () => {
  const metadata = { 10: 'a', 2: 'b', _own: 1, ['__proto__']: { deep: [{ b: 1, a: 2 }] } };
  const fields = { id: 'x', title: 'é🚀', metadata, labels: [], createdAt: '2026-01-01T00:00:00Z' };
  const record = createRecord(
    fields,
    rules,
    writer('a', () => 1_000),
  );
  const written = text(record);
  expect(parseWritten(written)).toEqual(parseRecord(written));
  expect(text(parseWritten(written))).toBe(written);
  const value = JSON.parse(written) as Record<string, Record<string, string>>;
  const toText = (each: unknown) => `${JSON.stringify(each, null, 2)}\n`;
  const others = [
    JSON.stringify(value),
    written.trimEnd(),
    written.replace('"id"', '"id" '),
    toText({ ...value, _clock: undefined }),
    toText({ ...value, _clock: { ...value._clock, title: 'not a stamp' } }),
    toText({ ...value, _clock: { title: 'not a stamp' } }),
    toText(Object.fromEntries(Object.entries(value).reverse())),
  ];
  for (const other of others) expect(() => parseWritten(other), other).toThrow('not in the one form');
  for (const other of ['', '[]', 'null', '{']) expect(() => parseWritten(other), other).toThrow();
});

test('stamps: text order is time order, a clock that was set back gives later ones all the same', () => {
  const first = nextStamp('', 1_000, 'a');
  expect(parseStamp(first)).toEqual({ ms: 1_000, counter: 0, replica: 'a' });
  const back = nextStamp(first, 1_000 - 3_600_000, 'a');
  expect(back > first).toBe(true);
  const full = formatStamp({ ms: 5, counter: 36 ** 4 - 1, replica: 'a' });
  expect(nextStamp(full, 0, 'a') > full).toBe(true);
  expect(formatStamp({ ms: 10, counter: 0, replica: 'a' }) < formatStamp({ ms: 100, counter: 0, replica: 'a' })).toBe(
    true,
  );
});

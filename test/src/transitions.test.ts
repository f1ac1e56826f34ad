/** Every pair of status and action: what the table allows happens, and what it does not is refused and changes nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decideMove, decideStatus } from '../../src/beads/changes.ts';
import { type Bead, type BeadStatus, beadStatusSchema } from '../../src/beads/schema.ts';
import { actionBetween, type BeadAction, beadActions, beadTransitions, nextBeadStatus } from '../../src/beads/state.ts';
import { type ConvoyStatus, convoyStatusSchema } from '../../src/convoys/schema.ts';
import { type ConvoyAction, convoyActions, convoyStatusOf, nextConvoyStatus } from '../../src/convoys/state.ts';
import { makeBead } from '../support/board-data.ts';
import { ANN, createGraphHome, type GraphHome } from '../support/graph-home.ts';

const STATUSES = beadStatusSchema.options;
const ACTIONS: readonly BeadAction[] = ['start', 'submit', 'send-back', 'land', 'close', 'reopen'];
/** The life of a bead as the specification draws it, with the two ways a person may cut it short. */
const ALLOWED: Readonly<Record<BeadStatus, Partial<Record<BeadAction, BeadStatus>>>> = {
  open: { start: 'in-progress', close: 'done' },
  'in-progress': { submit: 'review', close: 'done', reopen: 'open' },
  review: { 'send-back': 'in-progress', land: 'done', close: 'done', reopen: 'open' },
  done: { reopen: 'open' },
};

/** Numbers that look random and are the same in every run. */
function* numbers(seed: number): Generator<number> {
  for (let value = seed; ; ) {
    value = (value * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield value;
  }
}

describe('beads', () => {
  const pairs = STATUSES.flatMap((status) => ACTIONS.map((action): [BeadStatus, BeadAction] => [status, action]));

  test.each(pairs)('%s, %s', (status, action) => {
    const bead = makeBead(0, { status });
    const expected = ALLOWED[status][action];
    expect(nextBeadStatus(status, action)).toBe(expected);
    if (expected) expect(decideStatus(bead, action)).toBe(expected);
    else expect(() => decideStatus(bead, action)).toThrow(`${bead.id} is ${status}; it cannot go to ${action}`);
  });

  test('a move between two lanes is possible exactly when one action leads there', () => {
    for (const from of STATUSES) {
      for (const to of STATUSES) {
        const isPossible = Object.values(ALLOWED[from]).includes(to);
        expect(actionBetween(from, to) !== undefined, `${from} -> ${to}`).toBe(isPossible);
        const bead = makeBead(0, { status: from });
        if (isPossible) expect(nextBeadStatus(from, decideMove(bead, to))).toBe(to);
        else expect(() => decideMove(bead, to)).toThrow(`cannot go to ${to}`);
      }
    }
  });

  test('1,000 random walks stay inside the table and reach every status', () => {
    const seen = new Set<BeadStatus>();
    for (let walk = 0; walk < 1_000; walk += 1) {
      const random = numbers(walk + 1);
      let status: BeadStatus = 'open';
      for (let step = 0; step < 12; step += 1) {
        seen.add(status);
        const action = ACTIONS[random.next().value % ACTIONS.length] as BeadAction;
        const next = nextBeadStatus(status, action);
        expect(beadActions(status).includes(action)).toBe(next !== undefined);
        if (next) expect(Object.values(beadTransitions[status])).toContain(next);
        status = next ?? status;
      }
    }
    expect([...seen].sort()).toEqual([...STATUSES].sort());
  });
});

describe('a refused move of a bead', () => {
  let home: GraphHome;
  beforeAll(async () => {
    home = await createGraphHome();
  });
  afterAll(() => home.stop());

  test('leaves row, event log and record as they were', async () => {
    const lists = { labels: [], blockedBy: [], related: [], discoveredFrom: [], vars: [] };
    const made = await home.beads.beadCreate(
      { ...lists, title: 'walked', type: 'task', priority: 'medium', metadata: {} },
      home.as(ANN),
    );
    const show = (): Promise<Bead> => home.beads.beadShow({ id: made.id }, home.as(ANN));
    const move = (status: BeadStatus) => home.beads.beadStatus({ id: made.id, status, force: true }, home.as(ANN));
    for (const from of ['open', 'in-progress', 'review', 'done', 'open'] as const) {
      const known = await show();
      if (known.status !== from) await move(from);
      for (const to of STATUSES) {
        if (to === from || Object.values(ALLOWED[from]).includes(to)) continue;
        const before = { bead: await show(), seq: home.core.range.last };
        await expect(move(to), `${from} -> ${to}`).rejects.toMatchObject({ reason: 'transition-refused' });
        expect({ bead: await show(), seq: home.core.range.last }).toEqual(before);
      }
    }
  });
});

describe('convoys', () => {
  const statuses = convoyStatusSchema.options;
  const actions: readonly ConvoyAction[] = ['complete', 'resume', 'archive', 'restore'];
  const allowed: Readonly<Record<ConvoyStatus, Partial<Record<ConvoyAction, ConvoyStatus>>>> = {
    active: { complete: 'completed', archive: 'archived' },
    completed: { resume: 'active', archive: 'archived' },
    archived: { restore: 'active' },
  };

  test.each(statuses.flatMap((status) => actions.map((action): [ConvoyStatus, ConvoyAction] => [status, action])))(
    '%s, %s',
    (status, action) => {
      expect(nextConvoyStatus(status, action)).toBe(allowed[status][action]);
      expect(convoyActions(status).includes(action)).toBe(allowed[status][action] !== undefined);
    },
  );

  test('the status that follows the beads is the same whatever it was before, and never leaves the archive', () => {
    const random = numbers(7);
    for (let round = 0; round < 1_000; round += 1) {
      const count = random.next().value % 6;
      const beads = Array.from({ length: count }, () => {
        const place = random.next().value % (STATUSES.length + 1);
        return STATUSES[place];
      });
      const known = beads.filter((status) => status !== undefined);
      const isDone = known.length > 0 && known.every((status) => status === 'done');
      expect(convoyStatusOf('active', beads)).toBe(isDone ? 'completed' : 'active');
      expect(convoyStatusOf('completed', beads)).toBe(isDone ? 'completed' : 'active');
      expect(convoyStatusOf('archived', beads)).toBe('archived');
    }
  });
});

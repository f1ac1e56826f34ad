import { expect, test } from 'vitest';
import { createRoster, type Seat } from '../../proxy/roster.ts';
import { seeded } from '../support/random.ts';

test('holds exactly those who joined and did not leave, in any order of both', () => {
  const random = seeded(7);
  const roster = createRoster<number>();
  const inside = new Map<number, Seat<number>>();
  for (let step = 0; step < 5_000; step += 1) {
    if (inside.size > 0 && random.chance(0.5)) {
      const someone = random.pick([...inside.keys()]);
      const seat = inside.get(someone) as Seat<number>;
      roster.leave(seat);
      roster.leave(seat);
      inside.delete(someone);
    } else inside.set(step, roster.join(step));
    expect(roster.values().length).toBe(inside.size);
  }
  expect(roster.values().sort((a, b) => a - b)).toEqual([...inside.keys()]);
});

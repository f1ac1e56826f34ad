/** Links between beads and the tree of sub-beads: what may be added, and the cycle when it may not. */
import { failure } from '../errors.ts';
import type { Reader } from '../storage/database.ts';
import type { Bead } from './schema.ts';
import { findBead } from './store.ts';

type Next = (ids: readonly string[]) => Promise<(readonly [from: string, to: string])[]>;

/** The shortest way from one of `starts` to `goal` along `next`; undefined when there is none. */
async function wayTo(starts: readonly string[], goal: string, next: Next): Promise<string[] | undefined> {
  const cameFrom = new Map<string, string | undefined>(starts.map((id) => [id, undefined]));
  let edge = [...cameFrom.keys()];
  while (edge.length > 0) {
    if (cameFrom.has(goal)) return backFrom(goal, cameFrom);
    const further: string[] = [];
    for (const [from, to] of await next(edge)) {
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, from);
      further.push(to);
    }
    edge = further;
  }
  return undefined;
}

function backFrom(goal: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const way: string[] = [];
  for (let at: string | undefined = goal; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}

const MOST_AT_ONCE = 500;

const blockersOf =
  (db: Reader, projectId: string): Next =>
  async (ids) => {
    const pairs: [string, string][] = [];
    for (let start = 0; start < ids.length; start += MOST_AT_ONCE) {
      const rows = await db
        .selectFrom('bead_links')
        .select(['from_id', 'to_id'])
        .where('project_id', '=', projectId)
        .where('kind', '=', 'blocked-by')
        .where('from_id', 'in', ids.slice(start, start + MOST_AT_ONCE))
        .execute();
      pairs.push(...rows.map((row): [string, string] => [row.from_id, row.to_id]));
    }
    return pairs;
  };

/**
 * Refuses blockers that would make a bead wait for itself; says along which way.
 * @throws GodelError cycle-refused
 */
export async function assertNoCycle(db: Reader, bead: Bead, blockers: readonly string[]): Promise<void> {
  const way = await wayTo(blockers, bead.id, blockersOf(db, bead.projectId));
  if (way) throw failure('cycle-refused', { id: bead.id, cycle: [bead.id, ...way], relation: 'waits for' });
}

/**
 * Refuses a parent that is the bead itself or below it.
 * @throws GodelError cycle-refused
 */
export async function assertNoParentCycle(db: Reader, bead: Bead, parent: string): Promise<void> {
  const way = await wayTo([parent], bead.id, async ([id = '']) => {
    const above = (await findBead(db, bead.projectId, id))?.parentBead;
    return above === undefined ? [] : [[id, above]];
  });
  if (way) throw failure('cycle-refused', { id: bead.id, cycle: [bead.id, ...way], relation: 'is part of' });
}

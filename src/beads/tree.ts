/** Sub-beads as a tree, depth first, and what points at a bead. */
import { sql } from 'kysely';
import type { Reader } from '../storage/database.ts';
import { beadsOf } from './listing.ts';
import { blockingOf } from './readiness.ts';
import type { Bead } from './schema.ts';

export interface TreeNode {
  bead: Bead;
  depth: number;
  openBlockers: string[];
}

interface Edge {
  id: string;
  parent: string | null;
}

/** Every bead below the roots, level by level; `union` ends even when two clones made a cycle. */
async function edgesBelow(db: Reader, projectId: string, root: Bead | undefined, limit: number): Promise<Edge[]> {
  const start =
    root === undefined
      ? sql`select b.id, null as parent from beads b where b.project_id = ${projectId} and b.parent is null
          and b.id in (select parent from beads where project_id = ${projectId} and parent is not null)`
      : sql`select ${root.id} as id, null as parent`;
  const { rows } = await sql<Edge>`with recursive below(id, parent) as (${start}
      union select c.id, c.parent from beads c join below on c.parent = below.id and c.project_id = ${projectId})
    select id, parent from below limit ${limit + 1}`.execute(db);
  return rows;
}

/** The tree under `root`, or every tree there is. */
export async function treeOf(
  db: Reader,
  projectId: string,
  root: Bead | undefined,
  limit: number,
): Promise<{ items: TreeNode[]; hasMore: boolean }> {
  const edges = await edgesBelow(db, projectId, root, limit);
  const kept = edges.slice(0, limit);
  const ids = kept.map((edge) => edge.id);
  const beads = new Map((await beadsOf(db, projectId, ids)).map((bead) => [bead.id, bead]));
  const children = new Map<string | null, string[]>();
  for (const { id, parent } of kept) children.set(parent, [...(children.get(parent) ?? []), id]);
  const items: TreeNode[] = [];
  const seen = new Set<string>();
  async function visit(id: string, depth: number): Promise<void> {
    const bead = beads.get(id);
    if (!bead || seen.has(id)) return;
    seen.add(id);
    items.push({ bead, depth, openBlockers: bead.status === 'done' ? [] : (await blockingOf(db, bead)).open });
    for (const child of children.get(id) ?? []) await visit(child, depth + 1);
  }
  for (const id of children.get(null) ?? []) await visit(id, 0);
  return { items, hasMore: edges.length > limit };
}

export interface Relations {
  blocks: string[];
  related: string[];
  discovered: string[];
  children: string[];
}

/** What points at a bead, besides what it points at itself. */
export async function relationsOf(db: Reader, bead: Bead): Promise<Relations> {
  const back = await db
    .selectFrom('bead_links')
    .select(['kind', 'from_id'])
    .where('project_id', '=', bead.projectId)
    .where('to_id', '=', bead.id)
    .orderBy('from_id')
    .execute();
  const children = await db
    .selectFrom('beads')
    .select('id')
    .where('project_id', '=', bead.projectId)
    .where('parent', '=', bead.id)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const from = (kind: string) => back.filter((row) => row.kind === kind).map((row) => row.from_id);
  return {
    blocks: from('blocked-by'),
    related: [...new Set([...bead.related, ...from('related')])],
    discovered: from('discovered-from'),
    children: children.map((row) => row.id),
  };
}

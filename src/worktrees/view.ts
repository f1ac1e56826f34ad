/** What a person is shown of worktrees: git's list, the folder and the records put side by side. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { adminDirOf, tryGit } from '../base/git.ts';
import type { Project } from '../repos/schema.ts';
import type { ListedWorktree } from '../repos/worktree.ts';
import type { Database } from '../storage/database.ts';
import type { Keeper } from './keeper.ts';
import { foreignLock } from './removal.ts';
import type { Worktree } from './schema.ts';
import { readSparse } from './sparse.ts';
import { allRecords, portsByBead, type TreeRecord } from './store.ts';
import { branchOf, isThere } from './tree.ts';

const iso = (ms: number) => new Date(ms).toISOString();

function stateOf(record: TreeRecord | undefined, isBusy: boolean, exists: boolean, isOurs: boolean): Worktree['state'] {
  if (!isOurs) return 'elsewhere';
  if (record?.state === 'removing') return 'removing';
  if (isBusy) return 'making';
  return exists ? 'ready' : 'missing';
}

/** Every worktree of a bead, and every folder in their place that is none. */
export async function viewWorktrees(project: Project, keeper: Keeper, database: Database): Promise<Worktree[]> {
  const trees = keeper.treesOf(project);
  const [listed, records, ports] = await Promise.all([
    trees.list(),
    allRecords(database.db, project.id),
    portsByBead(database.db, project.id),
  ]);
  const isOurs = (each: ListedWorktree) => each.path.startsWith(`${trees.root}/`);
  const inPool = (each: ListedWorktree) => each.path.startsWith(`${trees.poolRoot}/`);

  async function describe(each: ListedWorktree): Promise<Worktree> {
    const beadId = isOurs(each) ? each.path.slice(trees.root.length + 1) : each.branch.slice('bead/'.length);
    const record = records.find((one) => one.beadId === beadId);
    const exists = await isThere(join(each.path, '.git'));
    const status = exists ? await tryGit(each.path, ['status', '--porcelain', '-z']) : undefined;
    const sparse = exists ? await readSparse(await adminDirOf(each.path)) : undefined;
    const lock = foreignLock(each.lock);
    const block = ports.get(beadId);
    const isBusy = keeper.activity(project.id, beadId) !== undefined || record?.state === 'making';
    return {
      beadId,
      path: each.path,
      branch: each.branch,
      head: each.head,
      dirty: status?.code === 0 && status.stdout !== '',
      exists,
      state: stateOf(record, isBusy, exists, isOurs(each)),
      ...(lock === undefined ? {} : { lock }),
      ...(block ? { ports: block } : {}),
      ...(sparse ? { sparse } : {}),
      ...(record?.bytes === undefined ? {} : { bytes: record.bytes }),
      ...(record?.measuredMs === undefined ? {} : { measuredAt: iso(record.measuredMs) }),
      ...(record ? { usedAt: iso(record.usedMs) } : {}),
    };
  }

  const mine = listed.filter((each) => isOurs(each) || (each.branch.startsWith(branchOf('')) && !inPool(each)));
  const names = await readdir(trees.root).catch(() => []);
  const foreign = names
    .map((name) => ({ name, path: join(trees.root, name) }))
    .filter(({ path }) => !listed.some((each) => each.path === path))
    .map(
      ({ name, path }): Worktree => ({
        beadId: name,
        path,
        branch: '',
        head: '',
        dirty: false,
        exists: true,
        state: 'foreign',
      }),
    );
  return [...(await Promise.all(mine.map(describe))), ...foreign];
}

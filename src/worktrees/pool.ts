/**
 * Worktrees kept ready: made and set up while nothing else is to do, handed out in the time of a branch switch, and
 * taken back cleaned. One without its marker is unfinished or used, and is made ready before it is given.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/error.ts';
import { git } from '../base/git.ts';
import { newId } from '../base/id.ts';
import type { Log } from '../base/log.ts';
import { type Added, type AddSpec, branchOf, isThere, type Trees } from './tree.ts';

/** What makes two worktrees equal before anybody works in them. */
export interface Recipe {
  base: string;
  sparse: readonly string[];
  setup: string;
}

export interface WarmTree {
  path: string;
  ready: boolean;
}

export interface PoolOptions {
  trees: Trees;
  /** Copies and links files, then runs the set-up command. */
  prepare: (path: string, signal: AbortSignal) => Promise<void>;
  /** Keeps what is left of a bead in a worktree that was not cleaned yet. */
  secure: (path: string, beadId: string) => Promise<void>;
  log: Log;
}

export interface Pool {
  list(): Promise<WarmTree[]>;
  /** A ready worktree turned into the one of a bead; undefined when there is none. */
  take(spec: AddSpec, setup: string): Promise<(Added & { isSetUp: boolean }) | undefined>;
  /** Takes the secured worktree of a bead back, to be cleaned; false when it could not. */
  giveBack(path: string): Promise<boolean>;
  /** Makes the pool as large as wanted and everything in it ready. */
  fill(size: number, recipe: Recipe, signal: AbortSignal): Promise<void>;
}

interface Marker {
  tree: string;
  sparse: string;
  setup: string;
}

const nameOfNew = () => `warm-${newId().slice(-12)}`;

export function createPool(options: PoolOptions): Pool {
  const { trees, log } = options;
  /** Members that are being taken, cleaned or dropped right now. */
  const busy = new Set<string>();
  /** Recipe that failed last: it is not tried again until something about it changed. */
  let failed = '';

  /** Runs `work` as the only one on a member; undefined when somebody else is at it. */
  async function alone<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    if (busy.has(path)) return undefined;
    busy.add(path);
    return work().finally(() => busy.delete(path));
  }

  const markerFile = async (path: string) => join(await trees.adminDirOf(path), 'godel-warm');

  async function markerOf(path: string): Promise<Marker | undefined> {
    const text = await readFile(await markerFile(path), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Marker);
  }

  async function wanted(recipe: Recipe): Promise<Marker> {
    const tree = await git(trees.gitDir, ['rev-parse', `${recipe.base}^{tree}`]);
    return { tree, sparse: recipe.sparse.join('\n'), setup: recipe.setup };
  }

  async function members(): Promise<{ path: string; branch: string; marker: Marker | undefined }[]> {
    if (!(await isThere(trees.poolRoot))) return [];
    const listed = (await trees.list()).filter((each) => each.path.startsWith(`${trees.poolRoot}/`));
    const found = await Promise.all(
      listed.map(async ({ path, branch }) => ({
        path,
        branch,
        there: await isThere(join(path, '.git')),
        marker: await markerOf(path).catch(() => undefined),
      })),
    );
    return found.filter((each) => each.there);
  }

  async function adopt(path: string, spec: AddSpec, newBranch: boolean): Promise<Added> {
    const [branch, target] = [branchOf(spec.beadId), trees.pathOf(spec.beadId)];
    await rm(await markerFile(path), { force: true });
    await trees.move(path, target);
    const to = newBranch ? ['--no-track', '-C', branch, spec.base] : [branch];
    await trees.serialised(() => trees.inside(target, ['switch', '--quiet', '--discard-changes', ...to]));
    await trees.inside(target, ['clean', '-ffd', '--quiet']);
    return { path: target, created: true, newBranch };
  }

  /** A bead's branch that is still checked out means that the last look at its work is still to come. */
  async function keepWork(path: string, branch: string): Promise<void> {
    if (branch.startsWith('bead/')) await options.secure(path, branch.slice('bead/'.length));
  }

  const drop = (path: string, branch: string) =>
    alone(path, async () => {
      await keepWork(path, branch);
      await trees.unregister(path);
    });

  /** Brings one member to the recipe. */
  async function refresh(path: string, branch: string, goal: Marker, recipe: Recipe, signal: AbortSignal) {
    await rm(await markerFile(path), { force: true });
    await keepWork(path, branch);
    await trees.inside(path, ['switch', '--quiet', '--discard-changes', '--detach', recipe.base]);
    await trees.inside(path, ['clean', '-ffd', '--quiet']);
    await finish(path, goal, signal);
  }

  async function finish(path: string, goal: Marker, signal: AbortSignal): Promise<void> {
    await options.prepare(path, signal);
    await writeFile(await markerFile(path), JSON.stringify(goal));
  }

  async function bringTo(size: number, recipe: Recipe, goal: Marker, signal: AbortSignal): Promise<void> {
    const known = await members();
    for (const { path, branch } of known.slice(size)) await drop(path, branch);
    for (const { path, branch, marker } of known.slice(0, size)) {
      if (signal.aborted) return;
      if (marker && marker.sparse !== goal.sparse) await drop(path, branch);
      else if (JSON.stringify(marker) !== JSON.stringify(goal))
        await alone(path, () => refresh(path, branch, goal, recipe, signal));
    }
    for (let count = (await members()).length; count < size && !signal.aborted; count += 1) {
      const path = join(trees.poolRoot, nameOfNew());
      await alone(path, async () => {
        await trees.addDetached(path, recipe.base, recipe.sparse);
        await finish(path, goal, signal);
      });
    }
  }

  return {
    list: async () => (await members()).map(({ path, marker }) => ({ path, ready: marker !== undefined })),
    async take(spec, setup) {
      const found = await members();
      if (found.length === 0 || (await isThere(trees.pathOf(spec.beadId)))) return undefined;
      const goal = await wanted({ base: spec.base, sparse: spec.sparse, setup });
      const newBranch = !(await trees.hasBranch(spec.beadId));
      const fitting = found.filter((each) => each.marker?.sparse === goal.sparse && !busy.has(each.path));
      const member = fitting.find((each) => each.marker?.tree === goal.tree) ?? fitting[0];
      const marker = member?.marker;
      if (!member || !marker) return undefined;
      const isSetUp = marker.tree === goal.tree && marker.setup === goal.setup;
      return alone(member.path, async () => {
        try {
          return { ...(await adopt(member.path, spec, newBranch)), isSetUp };
        } catch (error) {
          log.warn({ path: member.path, problem: messageOf(error) }, 'a warm worktree could not be used');
          await trees.discard(spec.beadId, newBranch);
          return undefined;
        }
      });
    },
    async giveBack(path) {
      try {
        await trees.move(path, join(trees.poolRoot, nameOfNew()));
        return true;
      } catch (error) {
        log.warn({ path, problem: messageOf(error) }, 'a worktree could not go back to the pool');
        return false;
      }
    },
    async fill(size, recipe, signal) {
      if (size === 0 && !(await isThere(trees.poolRoot))) return;
      const goal = await wanted(recipe);
      const attempt = JSON.stringify([size, goal]);
      if (attempt === failed) return;
      try {
        await bringTo(size, recipe, goal, signal);
        failed = '';
      } catch (error) {
        if (!signal.aborted) failed = attempt;
        log.warn({ problem: messageOf(error) }, 'the pool of worktrees could not be filled');
      }
    },
  };
}

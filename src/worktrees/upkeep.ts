/**
 * What is done to worktrees while nobody asks: clean-up by policy, measuring, the pool, and room under the quota. A round in
 * which nothing is due reads the database and one ref file; no process is started.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GodelError, messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import { run } from '../base/process.ts';
import { findBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { Keeper } from './keeper.ts';
import type { Removal } from './schema.ts';
import { type Candidate, cleanupReason, reclaimOrder, sizeText, untilFits } from './state.ts';
import { allRecords, putRecord, type TreeRecord } from './store.ts';
import { isThere } from './tree.ts';

export interface UpkeepOptions {
  database: Database;
  keeper: () => Keeper;
  projects: () => Promise<Project[]>;
  configOf: (projectPath: string) => Promise<Config>;
  agentsOf: (projectId: string, beadId: string) => Promise<{ live: boolean; any: boolean }>;
  healed: (project: Project) => Promise<unknown>;
  now: () => number;
  log: Log;
}

export interface Upkeep {
  start(): void;
  /** Looks soon: something changed that may make work due. */
  nudge(): void;
  /** Applies the clean-up policy of a project now. */
  prune(project: Project, dryRun: boolean): Promise<Removal[]>;
  /** Removes worktrees until the project's fit into `limit` bytes. */
  reclaim(project: Project, options: { limit: number; all: boolean; dryRun: boolean }): Promise<Removal[]>;
  /** Bytes of everything Godel keeps beside the main worktree. */
  measure(project: Project): Promise<{ trees: Map<string, number>; pool: number; trash: number; gates: number }>;
  /** @throws GodelError worktree-quota */
  assertRoom(project: Project, config: Config): Promise<void>;
  /** Fills the pool when something about it may have changed, or in any case. */
  fillPool(project: Project, always?: boolean): Promise<void>;
  stop(): Promise<void>;
}

const ROUND_MS = 60_000;
const NUDGE_MS = 1_000;
const GB = 1_000_000_000;
const DU_LIMIT_MS = 600_000;

/** Bytes a folder takes on disk; hard links count once. */
async function sizeOf(path: string): Promise<number> {
  if (!(await isThere(path))) return 0;
  const result = await run('du', ['-sk', path], { timeoutMs: DU_LIMIT_MS });
  return Number.parseInt(result.stdout, 10) * 1024 || 0;
}

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { database, now, log } = options;
  const stopped = new AbortController();
  const filled = new Map<string, string>();
  const told = new Map<string, string>();
  let generation = 0;
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function candidateOf(record: TreeRecord): Promise<Candidate> {
    const bead = await findBead(database.db, record.projectId, record.beadId);
    const agents = await options.agentsOf(record.projectId, record.beadId);
    return {
      beadId: record.beadId,
      status: bead?.status,
      hasAgent: agents.live || options.keeper().activity(record.projectId, record.beadId) !== undefined,
      isUsed: agents.any,
      lastMs: Math.max(record.usedMs, bead ? Date.parse(bead.updatedAt) : 0),
      bytes: record.bytes ?? 0,
    };
  }

  async function candidates(project: Project): Promise<Candidate[]> {
    const ready = (await allRecords(database.db, project.id)).filter((each) => each.state === 'ready');
    return Promise.all(ready.map(candidateOf));
  }

  async function take(project: Project, config: Config, each: Candidate, reason: string): Promise<Removal> {
    const about = { beadId: each.beadId, reason, bytes: each.bytes };
    try {
      await options.keeper().remove(project, each.beadId, config, { reason, signal: stopped.signal });
      return { ...about, removed: true };
    } catch (error) {
      const kept = messageOf(error);
      if (told.get(each.beadId) !== kept) log.warn({ beadId: each.beadId, problem: kept }, 'a worktree is kept');
      told.set(each.beadId, kept);
      return { ...about, removed: false, kept };
    }
  }

  async function removeAll(
    project: Project,
    chosen: readonly (readonly [Candidate, string])[],
    dryRun: boolean,
  ): Promise<Removal[]> {
    const config = await options.configOf(project.path);
    const removals: Removal[] = [];
    for (const [each, reason] of chosen) {
      const planned = { beadId: each.beadId, reason, bytes: each.bytes, removed: false };
      removals.push(dryRun ? planned : await take(project, config, each, reason));
    }
    return removals;
  }

  async function prune(project: Project, dryRun: boolean): Promise<Removal[]> {
    const config = await options.configOf(project.path);
    const due = (await candidates(project)).flatMap((each) => {
      const reason = cleanupReason(each, config, now());
      return reason === undefined ? [] : [[each, reason] as const];
    });
    return removeAll(project, due, dryRun);
  }

  const measure: Upkeep['measure'] = async (project) => {
    const { poolRoot, trashRoot } = options.keeper().treesOf(project);
    const trees = new Map<string, number>();
    for (const record of await allRecords(database.db, project.id)) {
      const bytes = await sizeOf(record.path);
      trees.set(record.beadId, bytes);
      const current = (await allRecords(database.db, project.id)).find((each) => each.beadId === record.beadId);
      if (current) await database.transact((tx) => putRecord(tx, { ...current, bytes, measuredMs: now() }));
    }
    const [pool = 0, trash = 0, gates = 0] = await Promise.all(
      [poolRoot, trashRoot, join(project.path, '.godel', 'gates')].map(sizeOf),
    );
    return { trees, pool, trash, gates };
  };

  async function used(project: Project): Promise<number> {
    const { trees, pool } = await measure(project);
    return [...trees.values()].reduce((sum, bytes) => sum + bytes, pool);
  }

  const reclaim: Upkeep['reclaim'] = async (project, { limit, all, dryRun }) => {
    const total = await used(project);
    const ordered = reclaimOrder(await candidates(project), all ? 'all' : 'finished');
    const chosen = untilFits(ordered, total, limit).map((each) => [each, 'to free space'] as const);
    return removeAll(project, chosen, dryRun);
  };

  async function recipeStamp(project: Project, config: Config): Promise<string> {
    const tip = await readFile(join(project.gitDir, 'refs', 'heads', project.mainBranch), 'utf8').catch(() => '');
    const { pool_size: size, setup_command: setup, sparse_patterns: sparse } = config;
    return JSON.stringify([size, setup, sparse, tip, generation]);
  }

  async function fillPool(project: Project, always = false): Promise<void> {
    const config = await options.configOf(project.path);
    const stamp = await recipeStamp(project, config);
    if (!always && filled.get(project.id) === stamp) return;
    const recipe = { base: project.mainBranch, sparse: config.sparse_patterns, setup: config.setup_command };
    await options.keeper().poolOf(project).fill(config.pool_size, recipe, stopped.signal);
    filled.set(project.id, stamp);
  }

  async function round(): Promise<void> {
    for (const project of await options.projects()) {
      if (stopped.signal.aborted) return;
      try {
        await options.healed(project);
        await prune(project, false);
        await fillPool(project);
      } catch (error) {
        log.warn({ projectId: project.id, problem: messageOf(error) }, 'worktrees could not be looked after');
      }
    }
  }

  function look(): void {
    running = running.then(round);
  }

  return {
    start() {
      timer = setInterval(look, ROUND_MS);
      this.nudge();
    },
    nudge() {
      generation += 1;
      clearTimeout(soon);
      if (!stopped.signal.aborted) soon = setTimeout(look, NUDGE_MS);
    },
    prune,
    reclaim,
    measure,
    async assertRoom(project, config) {
      const limit = config.worktree_quota_gb * GB;
      if (limit === 0) return;
      await reclaim(project, { limit, all: false, dryRun: false });
      const total = await used(project);
      if (total > limit) throw failure('worktree-quota', { used: sizeText(total), quota: sizeText(limit) });
    },
    fillPool,
    async stop() {
      stopped.abort();
      clearInterval(timer);
      clearTimeout(soon);
      await running.catch((error: unknown) => {
        if (!(error instanceof GodelError)) log.error({ problem: messageOf(error) }, 'upkeep of worktrees failed');
      });
    },
  };
}

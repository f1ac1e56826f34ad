/** One handler per worktree operation; what other parts of the daemon need of worktrees is offered beside them. */
import type { Handlers } from '../access/context.ts';
import { git } from '../base/git.ts';
import type { Bead } from '../beads/schema.ts';
import { resolveBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import { type ExactCode, ignoredInTheWay, restoreExactly } from './exact.ts';
import { planFiles, shareFiles } from './files.ts';
import { readLog } from './hook.ts';
import type { HookRunner } from './hook-runner.ts';
import type { Keeper, Place } from './keeper.ts';
import type { worktreeOperations } from './operations.ts';
import type { Repair, Worktree } from './schema.ts';
import { listSnapshots, restoreSnapshot } from './snapshot.ts';
import { branchOf, isThere, LOCK_REASON } from './tree.ts';
import type { Upkeep } from './upkeep.ts';
import { viewWorktrees } from './view.ts';

export interface WorktreeServiceOptions {
  database: Database;
  keeper: Keeper;
  upkeep: Upkeep;
  hooks: HookRunner;
  project: (id: string) => Promise<Project>;
  configOf: (projectPath: string) => Promise<Config>;
  liveAgentOf: (projectId: string, beadId: string) => Promise<string | undefined>;
  /** Mends a project; what it found. */
  repair: (project: Project) => Promise<Repair[]>;
  /** Waits for the mending that follows a start. */
  healed: (project: Project) => Promise<unknown>;
  now: () => number;
}

type Service = Handlers<typeof worktreeOperations>;

export interface WorktreeService {
  readonly handlers: Service;
  /** Worktree of a bead, made and set up when it is missing, with the variables of what runs in it. */
  ensure(project: Project, bead: Bead, config: Config): Promise<Place>;
  environmentOf(project: Project, beadId: string): Promise<Record<string, string>>;
  snapshot(project: Project, beadId: string, reason: string): Promise<string | undefined>;
  remove(project: Project, beadId: string, reason: string): Promise<string | undefined>;
  /** What landing does with the worktree: removed, or left to the clean-up policy. */
  release(project: Project, bead: Bead): Promise<void>;
  /** Path of a worktree that is there. @throws GodelError worktree-not-found */
  existing(project: Project, beadId: string): Promise<string>;
  /** Ignored files of the worktree that putting `tree` back would overwrite. */
  inTheWay(project: Project, beadId: string, tree: string): Promise<string[]>;
  /** Makes the files of a worktree, its HEAD and its branch exactly what they were. Nothing may run in it. */
  putBack(project: Project, beadId: string, code: ExactCode): Promise<void>;
}

const MAX_LOG_BYTES = 256 * 1024;
const GB = 1_000_000_000;

export function createWorktreeService(options: WorktreeServiceOptions): WorktreeService {
  const { database, keeper, upkeep, hooks } = options;

  /** The bead and all that belongs to it, after the project was mended. */
  async function about(projectId: string, text: string) {
    const project = await options.project(projectId);
    await options.healed(project);
    const bead = await resolveBead(database.db, projectId, text);
    const config = await options.configOf(project.path);
    return { project, bead, config, path: keeper.treesOf(project).pathOf(bead.id) };
  }

  async function view(project: Project, beadId: string): Promise<Worktree> {
    const found = (await viewWorktrees(project, keeper, database)).find((each) => each.beadId === beadId);
    if (!found) throw failure('worktree-not-found', { id: beadId });
    return found;
  }

  async function existing(project: Project, beadId: string): Promise<string> {
    const found = await view(project, beadId);
    if (!found.exists || found.state === 'foreign') throw failure('worktree-not-found', { id: beadId });
    return found.path;
  }

  const filesSpec = (project: Project, path: string, config: Config) => ({
    gitDir: project.gitDir,
    top: project.path,
    path,
    copy: config.copy_patterns,
    link: config.link_patterns,
  });

  const create: Service['worktreeCreate'] = async (input, { projectId, signal }) => {
    const { project, bead, config, path } = await about(projectId, input.bead);
    const sparse = input.sparse ?? config.sparse_patterns;
    const warm = (await keeper.poolOf(project).list()).some((each) => each.ready);
    const plan = {
      path,
      branch: branchOf(bead.id),
      base: input.base ?? project.mainBranch,
      warm: warm && !(await isThere(path)),
      sparse: [...sparse],
      setup: config.setup_command,
      files: await planFiles(filesSpec(project, path, config)),
    };
    if (input.dryRun) return { created: false, plan };
    const { created } = await keeper.ensure(project, bead, config, { base: input.base, sparse: input.sparse, signal });
    return { created, worktree: await view(project, bead.id), plan };
  };

  const restore: Service['worktreeRestore'] = async (input, { projectId, signal }) => {
    const { project, bead, config, path } = await about(projectId, input.bead);
    await keeper.ensure(project, bead, config, { signal });
    const snapshots = await listSnapshots({ gitDir: project.gitDir, beadId: bead.id });
    const wanted =
      input.commit === undefined
        ? snapshots[0]
        : snapshots.find((each) => each.commit.startsWith(input.commit as string));
    if (!wanted && input.commit !== undefined) throw failure('snapshot-not-found', { id: bead.id });
    if (wanted) {
      const spec = { gitDir: project.gitDir, worktree: path, beadId: bead.id, now: options.now() };
      await restoreSnapshot({ ...spec, commit: wanted.commit });
    }
    return { worktree: await view(project, bead.id), ...(wanted ? { snapshot: wanted } : {}) };
  };

  /** Links a worktree that a person moved, then moves it back to its place. */
  async function bringBack(project: Project, beadId: string, from: string): Promise<void> {
    const trees = keeper.treesOf(project);
    await trees.serialised(async () => {
      await git(project.gitDir, ['worktree', 'repair', from]);
    });
    await trees.move(from, trees.pathOf(beadId));
    await trees.serialised(() =>
      git(project.gitDir, ['worktree', 'lock', '--reason', LOCK_REASON, trees.pathOf(beadId)]).catch(() => ''),
    );
  }

  const repair: Service['worktreeRepair'] = async (input, { projectId }) => {
    const project = await options.project(projectId);
    const items: Repair[] = [];
    if (input.path !== undefined) {
      if (input.bead === undefined) throw failure('bad-input', { problem: '--path needs the bead it is about.' });
      const bead = await resolveBead(database.db, projectId, input.bead);
      await bringBack(project, bead.id, input.path);
      items.push({ subject: bead.id, found: `moved to ${input.path}`, done: 'brought back' });
    }
    return { items: [...items, ...(await options.repair(project))] };
  };

  const show: Service['worktreeShow'] = async (input, { projectId }) => {
    const { project, bead, config, path } = await about(projectId, input.bead);
    const [snapshot] = await listSnapshots({ gitDir: project.gitDir, beadId: bead.id, limit: 1 });
    const activity = keeper.activity(projectId, bead.id);
    const worktree = await view(project, bead.id);
    const files = worktree.exists ? await planFiles(filesSpec(project, path, config)) : [];
    return {
      worktree,
      environment: await keeper.environmentOf(project, bead.id),
      files: files.filter((each) => each.there),
      ...(snapshot ? { snapshot } : {}),
      ...(activity === undefined ? {} : { activity }),
    };
  };

  const usage: Service['worktreeUsage'] = async (_input, { projectId }) => {
    const project = await options.project(projectId);
    const { trees, pool, trash, gates } = await upkeep.measure(project);
    const { worktree_quota_gb: quota } = await options.configOf(project.path);
    const items = [...trees].map(([beadId, bytes]) => ({
      beadId,
      bytes,
      path: keeper.treesOf(project).pathOf(beadId),
    }));
    const total = items.reduce((sum, item) => sum + item.bytes, pool + trash + gates);
    return { items, pool, trash, gates, total, ...(quota > 0 ? { quota: quota * GB } : {}) };
  };

  const look: Pick<Service, 'worktreeList' | 'worktreeLogs' | 'worktreePool' | 'worktreeSnapshots'> = {
    async worktreeList(_input, { projectId }) {
      return { items: await viewWorktrees(await options.project(projectId), keeper, database) };
    },
    async worktreeLogs(input, { projectId }) {
      const id = input.bead.startsWith('warm-')
        ? input.bead
        : (await resolveBead(database.db, projectId, input.bead)).id;
      const file = hooks.logFile(input.hook, id);
      // Asked before the file is read: when it says no, the text is whole.
      const running = hooks.activity(projectId, id) === input.hook;
      const run = hooks.runs(projectId, id, input.hook);
      return { ...(await readLog(file, input.offset, MAX_LOG_BYTES)), file, running, run };
    },
    async worktreePool(input, { projectId }) {
      const project = await options.project(projectId);
      await options.healed(project);
      const { pool_size: size } = await options.configOf(project.path);
      if (input.fill) await upkeep.fillPool(project, true);
      return { size, items: await keeper.poolOf(project).list() };
    },
    async worktreeSnapshots(input, { projectId }) {
      const { project, bead } = await about(projectId, input.bead);
      return { items: await listSnapshots({ gitDir: project.gitDir, beadId: bead.id }) };
    },
  };

  const handlers: Service = {
    ...look,
    worktreeShow: show,
    worktreeUsage: usage,
    worktreeCreate: create,
    worktreeRestore: restore,
    worktreeRepair: repair,
    async worktreeSetup(input, { projectId, signal }) {
      const { project, bead, config } = await about(projectId, input.bead);
      const path = await existing(project, bead.id);
      const env = await keeper.environmentOf(project, bead.id);
      await hooks.run({ project, beadId: bead.id, path, config, hook: 'setup', env, signal });
      return { beadId: bead.id, command: config.setup_command };
    },
    async worktreeCancel(input, { projectId }) {
      const bead = await resolveBead(database.db, projectId, input.bead);
      return { beadId: bead.id, cancelled: hooks.cancel(projectId, bead.id) };
    },
    async worktreeFiles(input, { projectId }) {
      const { project, bead, config } = await about(projectId, input.bead);
      const spec = filesSpec(project, await existing(project, bead.id), config);
      const files = input.dryRun ? await planFiles(spec) : await shareFiles(spec);
      return { beadId: bead.id, files, dryRun: input.dryRun };
    },
    async worktreeSnapshot(input, { projectId }) {
      const { project, bead } = await about(projectId, input.bead);
      await existing(project, bead.id);
      const commit = await keeper.snapshot(project, bead.id, input.reason);
      return { beadId: bead.id, ...(commit === undefined ? {} : { commit }) };
    },
    async worktreeRemove(input, { projectId, signal }) {
      const { project, bead, config } = await about(projectId, input.bead);
      const agent = await options.liveAgentOf(projectId, bead.id);
      if (agent) throw failure('bead-has-agent', { id: bead.id, agent });
      await view(project, bead.id);
      const wanted = { reason: 'asked for', force: input.force, signal };
      const kept = await keeper.remove(project, bead.id, config, wanted);
      return { beadId: bead.id, ...(kept === undefined ? {} : { snapshot: kept }) };
    },
    async worktreePrune(input, { projectId }) {
      const project = await options.project(projectId);
      await options.healed(project);
      return { items: await upkeep.prune(project, input.dryRun) };
    },
    async worktreeReclaim(input, { projectId }) {
      const project = await options.project(projectId);
      await options.healed(project);
      const { worktree_quota_gb: quota } = await options.configOf(project.path);
      const limit = (input.toGb ?? quota) * GB;
      return { items: await upkeep.reclaim(project, { limit, all: input.all, dryRun: input.dryRun }) };
    },
  };

  async function remove(project: Project, beadId: string, reason: string): Promise<string | undefined> {
    await options.healed(project);
    return keeper.remove(project, beadId, await options.configOf(project.path), { reason });
  }

  return {
    handlers,
    async ensure(project, bead, config) {
      await options.healed(project);
      return keeper.ensure(project, bead, config);
    },
    environmentOf: keeper.environmentOf,
    snapshot: keeper.snapshot,
    remove,
    async release(project, bead) {
      const { worktree_cleanup: policy } = await options.configOf(project.path);
      if (bead.worktree === undefined || policy === 'never' || policy === 'after-days') return;
      await remove(project, bead.id, 'its work is done');
    },
    existing,
    inTheWay: async (project, beadId, tree) => ignoredInTheWay(await existing(project, beadId), tree),
    async putBack(project, beadId, code) {
      const path = await existing(project, beadId);
      await restoreExactly({ trees: keeper.treesOf(project), path, ...code });
    },
  };
}

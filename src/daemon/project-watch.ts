/** Per project: links commits to beads as refs move, and sets `done` for work that is on the main branch. */
import { messageOf } from '../base/error.ts';
import { changeBead, moveBead } from '../beads/changes.ts';
import { nextBeadStatus } from '../beads/state.ts';
import { findBead } from '../beads/store.ts';
import { type CommitWatch, createCommitWatch } from '../repos/commit-watch.ts';
import type { Project } from '../repos/schema.ts';
import type { Core } from './core.ts';
import { landedBeads } from './landed.ts';

export interface ProjectWatches {
  /** Starts watching a project; a second call changes nothing. */
  watch(project: Project): Promise<void>;
  stop(): Promise<void>;
}

export function createProjectWatches(core: Pick<Core, 'database' | 'units' | 'log'>): ProjectWatches {
  const { database, units, log } = core;
  const watches = new Map<string, CommitWatch>();

  async function link(project: Project, beadId: string, commits: string[]): Promise<void> {
    const known = await findBead(database.db, project.id, beadId);
    if (!known || commits.length === 0 || known.commits.join() === commits.join()) return;
    await units.run(async (unit) => {
      const bead = await findBead(unit.tx, project.id, beadId);
      if (bead) await changeBead(unit, bead, { commits }, `${commits.length} commits linked`);
    });
  }

  async function markLanded(project: Project): Promise<void> {
    for (const [beadId, commit] of await landedBeads(project)) {
      const bead = await findBead(database.db, project.id, beadId);
      if (!bead || bead.landedCommit === commit || nextBeadStatus(bead.status, 'land') === undefined) continue;
      const event = { type: 'bead:landed' as const, extra: { commit } };
      await units.run((unit) => moveBead(unit, project.id, beadId, 'land', 'git', { landedCommit: commit }, event));
    }
  }

  const report = (project: Project, what: string) => (error: unknown) =>
    log.error({ projectId: project.id, problem: messageOf(error) }, what);

  return {
    async watch(project) {
      if (watches.has(project.id)) return;
      const watch = createCommitWatch({
        gitDir: project.gitDir,
        mainBranch: project.mainBranch,
        onBranch: ({ beadId, commits }) =>
          void link(project, beadId, commits).catch(report(project, 'commits not linked')),
        onMain: () => void markLanded(project).catch(report(project, 'landed work not noticed')),
        log,
      });
      watches.set(project.id, watch);
      await watch.start();
    },
    async stop() {
      await Promise.all([...watches.values()].map((watch) => watch.stop()));
    },
  };
}

/** Per project: links commits to beads as refs move, recognises work on the main branch, and tells the merge queue of it. */
import { messageOf } from '../base/error.ts';
import { changeBead } from '../beads/changes.ts';
import { findBead } from '../beads/store.ts';
import { createCommitLinks } from '../commits/links.ts';
import { landedBeads } from '../merge/landed.ts';
import { setDone } from '../merge/settle.ts';
import { type CommitWatch, createCommitWatch } from '../repos/commit-watch.ts';
import type { Project } from '../repos/schema.ts';
import type { Core } from './core.ts';

export interface ProjectWatches {
  /** Starts watching a project; a second call changes nothing. */
  watch(project: Project): Promise<void>;
  stop(): Promise<void>;
}

export function createProjectWatches(
  core: Pick<Core, 'database' | 'units' | 'log'>,
  refMoved: (project: Project, ref: 'main' | 'branch') => Promise<void>,
): ProjectWatches {
  const { database, units, log } = core;
  const links = createCommitLinks(database);
  const watches = new Map<string, CommitWatch>();

  async function link(project: Project, beadId: string, commits: string[]): Promise<void> {
    const known = await findBead(database.db, project.id, beadId);
    if (!known || commits.length === 0 || known.commits.join() === commits.join()) return;
    await units.run(async (unit) => {
      const bead = await findBead(unit.tx, project.id, beadId);
      if (bead) await changeBead(unit, bead, { commits }, `${commits.length} commits linked`);
    });
  }

  /** Work in review that somebody put on the main branch by hand is done; what has a trailer is the queue's. */
  async function recognise(project: Project, head: string): Promise<void> {
    const complete = await links.mainMoved(project, head);
    if (complete.size === 0) return;
    const queued = await landedBeads(project);
    for (const [beadId, commit] of complete) {
      if (queued.has(beadId)) continue;
      await units.run(async (unit) => {
        const bead = await findBead(unit.tx, project.id, beadId);
        if (bead?.status === 'review') await setDone(unit, bead, commit, 'git');
      });
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
        onBranch: ({ beadId, head, commits }) => {
          links.branchMoved(project, beadId, head, commits).catch(report(project, 'commits not compared'));
          link(project, beadId, commits).catch(report(project, 'commits not linked'));
          refMoved(project, 'branch').catch(report(project, 'branch not followed'));
        },
        onMain: (head) => {
          refMoved(project, 'main').catch(report(project, 'main not followed'));
          recognise(project, head).catch(report(project, 'main not compared'));
        },
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

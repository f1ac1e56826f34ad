/** Per project: links commits to beads as refs move, recognises work on the main branch, and tells the merge queue of it. */
import { messageOf } from '../base/error.ts';
import { changeBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
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
  core: Pick<Core, 'bus' | 'database' | 'units' | 'log'>,
  refMoved: (project: Project, ref: 'main' | 'branch') => Promise<void>,
): ProjectWatches {
  const { bus, database, units, log } = core;
  const links = createCommitLinks(database);
  const watches = new Map<string, { project: Project; watch: CommitWatch }>();

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

  /** Work that was on the main branch before it came to review. */
  async function recogniseReviewed(project: Project, bead: Bead): Promise<void> {
    const commit = await links.completed(project, bead.id);
    if (commit === undefined || commit === bead.reopenedFrom || (await landedBeads(project)).has(bead.id)) return;
    await units.run(async (unit) => {
      const now = await findBead(unit.tx, project.id, bead.id);
      if (now?.status === 'review') await setDone(unit, now, commit, 'git');
    });
  }

  const report = (project: Project, what: string) => (error: unknown) =>
    log.error({ projectId: project.id, problem: messageOf(error) }, what);

  const unsubscribe = bus.subscribe(({ payload, metadata }) => {
    const { bead, changed } = payload as { bead?: Bead; changed?: readonly string[] };
    const watched = watches.get(metadata.projectId ?? '');
    if (!watched || bead?.status !== 'review' || !changed?.includes('status')) return;
    recogniseReviewed(watched.project, bead).catch(report(watched.project, 'main not compared'));
  });

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
      watches.set(project.id, { project, watch });
      await watch.start();
    },
    async stop() {
      unsubscribe();
      await Promise.all([...watches.values()].map(({ watch }) => watch.stop()));
    },
  };
}

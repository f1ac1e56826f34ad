/** The merge queue with everything it needs: gates, agents that are told, worktrees that are let go, the overlap map. */
import { endTree } from '../../runners/local/process-tree.ts';
import type { Handlers } from '../access/context.ts';
import type { agentOperations } from '../agents/operations.ts';
import { liveAgents, queuePrompt } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { GodelEvent } from '../base/event.ts';
import { newId } from '../base/id.ts';
import { beadStatuses } from '../beads/store.ts';
import type { mergeOperations } from '../merge/operations.ts';
import { createOverlapMap, type OverlapMap } from '../merge/overlap.ts';
import type { MergeParts } from '../merge/parts.ts';
import { createMergeQueue, type MergeQueue } from '../merge/queue.ts';
import { createMergeService, type MergeService } from '../merge/service.ts';
import { entryOfBead } from '../merge/store.ts';
import type { Project } from '../repos/schema.ts';
import type { RepoService } from '../repos/service.ts';
import { allProjects } from '../repos/store.ts';
import type { reviewOperations } from '../reviews/operations.ts';
import { createReviewService } from '../reviews/service.ts';
import type { WorktreeService } from '../worktrees/service.ts';
import { type AgentParts, commandLog } from './agent-parts.ts';
import type { Core } from './core.ts';

export interface Merging {
  queue: MergeQueue;
  overlaps: OverlapMap;
  /** Of the queue, and of reviews, which feed it. */
  handlers: Handlers<typeof mergeOperations & typeof reviewOperations>;
  /** What the board draws of a project's queue. */
  view: MergeService['view'];
  /** Takes up the queues of all known projects. */
  start(): Promise<void>;
  /** A branch moved: main or that of a bead. */
  refMoved(project: Project, ref: 'main' | 'branch'): Promise<void>;
  stop(): Promise<void>;
}

export interface MergingOptions {
  core: Core;
  repos: RepoService;
  worktrees: Pick<WorktreeService, 'release'>;
  parts: AgentParts;
  environment: () => Record<string, string>;
  agents: () => Handlers<typeof agentOperations>;
}

/** Tells the live agent of a bead something; its name, or undefined when there is none. */
function createTeller({ core, parts }: { core: Core; parts: AgentParts }): MergeParts['tellAgent'] {
  const { database, units } = core;
  return async (projectId, beadId, text, author) => {
    const agent = (await liveAgents(database.db, projectId)).find((each) => each.beadId === beadId);
    if (!agent) return undefined;
    await units.run((unit) =>
      queuePrompt(unit.tx, { id: newId(), agentId: agent.id, text, author, when: 'after-turn', now: unit.now }),
    );
    await parts.delivery.pump(agent.id);
    return agent.name;
  };
}

function mergeParts(options: MergingOptions): MergeParts {
  const { core, parts } = options;
  const { database, units, clock, log, paths } = core;
  const liveAgentOf = async (projectId: string, beadId: string) =>
    (await liveAgents(database.db, projectId)).find((agent) => agent.beadId === beadId);
  return {
    database,
    units,
    clock,
    log,
    configOf: async (path) => (await core.config.project(path)).config,
    logFileOf: (entryId) => commandLog(paths.logDir, 'gate', entryId),
    gateEnvironment: options.environment,
    endMarked: async (marker) => void (await endTree(undefined, marker)),
    tellAgent: createTeller(options),
    async startRefinery(projectId, beadId, text) {
      const before = await liveAgentOf(projectId, beadId);
      if (before) await parts.ending.stop(before);
      const context = {
        actor: { kind: 'system' as const, id: 'merge', name: 'merge queue' },
        projectId,
        requestId: newId(),
        signal: new AbortController().signal,
      };
      const input = { bead: beadId, role: 'refinery', prompt: text, count: 1, headless: false, force: true };
      const { items } = await options.agents().agentSpawn(input, context);
      return items[0]?.name ?? 'refinery';
    },
    async release(project, bead) {
      const agent = await liveAgentOf(project.id, bead.id);
      if (agent) await parts.ending.stop(agent);
      await options.worktrees.release(project, bead);
    },
  };
}

export function createMerging(options: MergingOptions): Merging {
  const { core, repos } = options;
  const { database, units, log, bus } = core;
  const parts = mergeParts(options);
  const queue = createMergeQueue(parts);
  const overlaps = createOverlapMap({
    async unfinished(projectId, ids) {
      const statuses = await beadStatuses(database.db, projectId, [...ids]);
      return new Set([...statuses].filter(([, status]) => status !== 'done').map(([id]) => id));
    },
    async changed(projectId, found) {
      const payload = { projectId, overlaps: found };
      await units.run((unit) =>
        unit.emit({ type: 'merge:overlaps', component: 'merge', payload, metadata: { projectId } }),
      );
    },
    log,
  });
  const service = createMergeService({ parts, queue, overlaps, project: (id) => repos.project(id) });

  const reviews = createReviewService({
    database,
    units,
    project: (id) => repos.project(id),
    enqueue: service.enqueue,
    tellAgent: async (...told) => (await parts.tellAgent(...told)) !== undefined,
  });

  async function attach(project: Project): Promise<void> {
    overlaps.soon(project);
    await queue
      .attach(project)
      .catch((error: unknown) =>
        log.error({ projectId: project.id, problem: messageOf(error) }, 'merge queue not taken up'),
      );
  }

  /** A bead that leaves review is withdrawn; one that is done may let others land. */
  async function beadMoved(project: Project, beadId: string, status: unknown): Promise<void> {
    const entry = await entryOfBead(database.db, project.id, beadId);
    const isTried = entry?.kind === 'work' && (entry.status === 'gating' || entry.status === 'landing');
    if (isTried && status !== 'review' && status !== 'done') await queue.exclusive(project, async () => undefined);
    else queue.wake(project);
  }

  async function follow(event: GodelEvent): Promise<void> {
    const { projectId, beadId } = event.metadata;
    if (projectId === undefined) return;
    const { changed, bead } = event.payload as { changed?: string[]; bead?: { status: string } };
    if (event.type === 'project:created') await attach(await repos.project(projectId));
    else if (event.type === 'snapshot:taken') overlaps.soon(await repos.project(projectId));
    else if (event.type.startsWith('bead:') && beadId !== undefined && changed?.includes('status'))
      await beadMoved(await repos.project(projectId), beadId, bead?.status);
  }

  const unsubscribe = bus.subscribe((event) => {
    follow(event).catch((error: unknown) =>
      log.warn({ type: event.type, problem: messageOf(error) }, 'change not followed by the merge queue'),
    );
  });

  return {
    queue,
    overlaps,
    handlers: { ...service.handlers, ...reviews },
    view: service.view,
    async start() {
      for (const project of await allProjects(database.db)) await attach(project);
    },
    async refMoved(project, ref) {
      overlaps.soon(project);
      if (ref === 'main') await queue.mainMoved(project);
    },
    async stop() {
      unsubscribe();
      await queue.stop();
      await overlaps.stop();
    },
  };
}

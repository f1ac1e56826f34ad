/** Keeps the inbox the same as what agents and beads wait for: at every event of theirs, and once at the start. */
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { boardAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { GodelEvent } from '../base/event.ts';
import { listBeads } from '../beads/listing.ts';
import { type Bead, beadSchema } from '../beads/schema.ts';
import { keepsStatus } from '../beads/state.ts';
import type { Inbox } from '../inbox/service.ts';
import {
  agentDrafts,
  agentKeys,
  beadDraft,
  beadKeys,
  entryDraft,
  entryKeys,
  holdDraft,
  holdKeys,
  promptDraft,
} from '../inbox/sources.ts';
import { openItems } from '../inbox/store.ts';
import type { Entry, Queue } from '../merge/schema.ts';
import { allProjects } from '../repos/store.ts';
import type { Core } from './core.ts';

export interface InboxWatchOptions {
  core: Core;
  inbox: Inbox;
  findAgent: (id: string) => Promise<Agent | undefined>;
}

export function startInboxWatch({ core, inbox, findAgent }: InboxWatchOptions): {
  started: Promise<void>;
  stop(): Promise<void>;
} {
  const { database, log } = core;
  let order: Promise<void> = Promise.resolve();
  /** Agents that wait for nothing and have nothing open: nobody else opens anything in their names. */
  const silent = new Set<string>();

  async function followAgent(agent: Agent): Promise<void> {
    const drafts = agentDrafts(agent);
    if (!drafts || (drafts.length === 0 && isLive(agent.lifecycle) && silent.has(agent.id))) return;
    silent.delete(agent.id);
    const reason = `${agent.name} is ${agent.observed.state}`;
    const isEmpty = await inbox.keep(agentKeys(agent.id), agent.projectId, drafts, reason);
    if (isEmpty && isLive(agent.lifecycle)) silent.add(agent.id);
  }

  async function followBead(payload: unknown): Promise<void> {
    const bead = beadSchema.safeParse(payload);
    if (!bead.success) return;
    const draft = beadDraft(bead.data);
    await inbox.keep(beadKeys(bead.data.id), bead.data.projectId, draft ? [draft] : [], `it is ${bead.data.status}`);
  }

  async function followPrompt(payload: unknown): Promise<void> {
    const prompt = payload as Parameters<typeof promptDraft>[0];
    if (prompt.status !== 'dead') return;
    const agent = await findAgent(prompt.agentId);
    const draft = agent && promptDraft(prompt, agent);
    if (draft) await inbox.raise(draft);
  }

  async function followMerge({ queue, entry }: { queue?: Queue; entry?: Entry }): Promise<void> {
    const [hold, conflict] = [queue && holdDraft(queue), entry && entryDraft(entry)];
    if (queue) await inbox.keep(holdKeys(queue.projectId), queue.projectId, hold ? [hold] : [], 'the queue goes on');
    if (entry)
      await inbox.keep(entryKeys(entry.id), entry.projectId, conflict ? [conflict] : [], `it is ${entry.status}`);
  }

  async function follow(event: GodelEvent): Promise<void> {
    if (event.type === 'agent:prompt') return followPrompt(event.payload.prompt);
    if (event.type === 'bead:deleted') {
      const { beadId, projectId } = event.metadata;
      if (beadId && projectId) await inbox.keep(beadKeys(beadId), projectId, [], 'the bead was deleted');
    } else if (event.type.startsWith('bead:')) await followBead(event.payload.bead);
    else if (event.type.startsWith('merge:')) await followMerge(event.payload);
    else {
      const agent = await findAgent(event.metadata.agentId ?? '');
      if (agent) await followAgent(agent);
    }
  }

  /** One after the other: what an agent waits for now must not be overtaken by what it waited for before. */
  function inOrder(work: () => Promise<void>): Promise<void> {
    order = order
      .then(work)
      .catch((error: unknown) => log.error({ problem: messageOf(error) }, 'the inbox did not follow'));
    return order;
  }

  async function readAll(): Promise<void> {
    const known = new Set<string>();
    for (const project of await allProjects(database.db)) {
      for (const agent of await boardAgents(database.db, project.id)) {
        known.add(agent.id);
        await followAgent(agent);
      }
      const order = { sort: 'priority', reverse: false, limit: 1_000 } as const;
      const reviews = await listBeads(database.db, project.id, { status: 'review' }, order, core.clock.now());
      for (const bead of reviews.items) await followBead(bead);
    }
    for (const item of await openItems(database.db))
      if (item.key.startsWith('agent:') && item.agentId && !known.has(item.agentId))
        await inbox.close(item.key, 'the agent has ended');
  }

  const started = inOrder(readAll);
  const unsubscribe = core.bus.subscribe((event) => {
    if (keepsStatus(event) && (event.payload.bead as Bead).status !== 'review') return;
    if (/^(agent|bead|merge):/.test(event.type)) void inOrder(() => follow(event));
  });

  return {
    started,
    async stop() {
      unsubscribe();
      await order;
    },
  };
}

/** What an event means for the board. Payloads hold whole nouns, so a change is a replacement. */

import { z } from 'zod';
import { type Agent, agentSchema } from '../../src/agents/schema.ts';
import type { GodelEvent } from '../../src/base/event.ts';
import { type Bead, beadSchema } from '../../src/beads/schema.ts';
import { type Convoy, convoySchema } from '../../src/convoys/schema.ts';
import { type InboxItem, inboxItemSchema } from '../../src/inbox/schema.ts';
import { entrySchema, overlapSchema, queueSchema } from '../../src/merge/schema.ts';
import type { MergeChange } from './merge.ts';

export type BoardChange =
  | { readonly kind: 'bead'; readonly bead: Bead }
  | { readonly kind: 'bead-gone'; readonly id: string }
  | { readonly kind: 'agent'; readonly agent: Agent }
  | { readonly kind: 'convoy'; readonly convoy: Convoy }
  | { readonly kind: 'cost'; readonly spentUsd: number; readonly projectId: string | undefined }
  | MergeChange
  | { readonly kind: 'inbox'; readonly item: InboxItem; readonly bell: boolean }
  | { readonly kind: 'none' };

/** Patterns of the events the board draws. */
export const BOARD_PATTERNS: readonly string[] = [
  'bead:*',
  'agent:*',
  'convoy:*',
  'inbox:*',
  'merge:*',
  'message:*',
  'todo:*',
  'cost:*',
  'project:*',
];

const AGENT_EVENTS = new Set([
  'created',
  'start',
  'state',
  'pause',
  'resume',
  'complete',
  'error',
  'kill',
  'attention',
]);

/** Events of other nouns that carry the agent they are about. */
const AGENT_FACTS = new Set(['message:unread', 'todo:updated']);

function beadChange(event: GodelEvent): BoardChange | undefined {
  if (event.type === 'bead:deleted') {
    const id = event.payload.id ?? event.metadata.beadId;
    return typeof id === 'string' ? { kind: 'bead-gone', id } : undefined;
  }
  const bead = beadSchema.safeParse(event.payload.bead);
  return bead.success ? { kind: 'bead', bead: bead.data } : undefined;
}

/** An entry, the queue or the overlaps: whichever the event carries. */
function mergeChange(event: GodelEvent): BoardChange | undefined {
  const entry = entrySchema.safeParse(event.payload.entry);
  if (entry.success) return { kind: 'merge', projectId: entry.data.projectId, entry: entry.data };
  const queue = queueSchema.safeParse(event.payload.queue);
  if (queue.success) return { kind: 'merge', projectId: queue.data.projectId, queue: queue.data };
  const overlaps = z.array(overlapSchema).safeParse(event.payload.overlaps);
  const projectId = String(event.payload.projectId ?? event.metadata.projectId);
  return overlaps.success ? { kind: 'merge', projectId, overlaps: overlaps.data } : undefined;
}

/** Undefined means the event concerns the board but cannot be read: ask for a snapshot instead. */
export function changeOf(event: GodelEvent): BoardChange | undefined {
  const [noun, verb = ''] = event.type.split(':');
  if (noun === 'bead') return beadChange(event);
  if ((noun === 'agent' && AGENT_EVENTS.has(verb)) || AGENT_FACTS.has(event.type)) {
    const agent = agentSchema.safeParse(event.payload.agent);
    return agent.success ? { kind: 'agent', agent: agent.data } : undefined;
  }
  if (noun === 'merge') return mergeChange(event);
  if (noun === 'convoy') {
    const convoy = convoySchema.safeParse(event.payload.convoy);
    return convoy.success ? { kind: 'convoy', convoy: convoy.data } : undefined;
  }
  if (noun === 'inbox' && verb !== 'rule') {
    const item = inboxItemSchema.safeParse(event.payload.item);
    const bell = verb === 'opened' && event.payload.bell === true;
    return item.success ? { kind: 'inbox', item: item.data, bell } : undefined;
  }
  if (event.type === 'cost:changed') {
    const { spentUsd, projectId } = event.payload;
    if (typeof spentUsd !== 'number') return undefined;
    return { kind: 'cost', spentUsd, projectId: typeof projectId === 'string' ? projectId : event.metadata.projectId };
  }
  return { kind: 'none' };
}

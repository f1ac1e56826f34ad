/** What of an agent or a bead waits for a person. Pure: the daemon compares it with the open items. */

import type { Agent } from '../agents/schema.ts';
import type { Bead } from '../beads/schema.ts';
import type { Entry, Queue } from '../merge/schema.ts';
import type { InboxDraft } from './schema.ts';

type AgentItem = Pick<Agent, 'id' | 'name' | 'projectId' | 'generation' | 'beadId'>;

const about = (agent: AgentItem) => ({
  projectId: agent.projectId,
  agentId: agent.id,
  agentName: agent.name,
  ...(agent.beadId === undefined ? {} : { beadId: agent.beadId }),
});

function waitingDraft(agent: Agent): InboxDraft {
  const { question, detail, since } = agent.observed;
  const key = `agent:${agent.id}:${agent.generation}:waiting:${question?.id ?? since}`;
  const title = question?.text ?? detail ?? `${agent.name} waits in its terminal`;
  const isPermission = question?.kind === 'permission';
  const choices = question?.choices ?? [];
  return {
    ...about(agent),
    key,
    title,
    kind: isPermission ? 'permission' : question?.kind === 'error' ? 'failure' : 'question',
    choices: isPermission && choices.length === 0 ? ['allow', 'deny'] : choices,
    ...(question?.id === undefined ? {} : { askId: question.id }),
    ...(question?.tool === undefined ? {} : { tool: question.tool }),
    ...(question?.command === undefined ? {} : { command: question.command }),
  };
}

function attentionDraft(agent: Agent, attention: NonNullable<Agent['attention']>): InboxDraft {
  return {
    ...about(agent),
    key: `agent:${agent.id}:${agent.generation}:${attention.kind}:${attention.since}`,
    kind: 'failure',
    title: `${agent.name} is ${attention.kind}: ${attention.detail}`,
    choices: ['interrupt', 'stop', 'leave it'],
  };
}

/** One that goes on by itself is told too: a person may have a budget to raise before. */
function parkedDraft(agent: Agent): InboxDraft {
  const { detail, since } = agent.observed;
  const key = `agent:${agent.id}:${agent.generation}:parked:${since}`;
  return { ...about(agent), key, kind: 'budget', title: `${agent.name} is parked: ${detail ?? ''}`, choices: [] };
}

/** Beginning of the keys of everything that `agentDrafts` can say about an agent. */
export const agentKeys = (agentId: string) => `agent:${agentId}:`;

/** Undefined: nothing certain is known now, so what is open stays as it is. */
export function agentDrafts(agent: Agent): InboxDraft[] | undefined {
  const attention = agent.attention ? [attentionDraft(agent, agent.attention)] : [];
  // One that starts again by itself waits for nobody.
  if (agent.lifecycle === 'failed' && agent.retryAt !== undefined) return [];
  if (agent.lifecycle === 'failed') {
    const title = `${agent.name} failed: ${agent.lastError ?? agent.observed.detail ?? 'no reason is known'}`;
    const key = `agent:${agent.id}:${agent.generation}:failed`;
    return [{ ...about(agent), key, kind: 'failure', title, choices: ['restart', 'leave it'] }];
  }
  if (agent.observed.state === 'parked') return [parkedDraft(agent), ...attention];
  if (agent.observed.state === 'unknown' || agent.observed.state === 'starting') return undefined;
  // What it asked by the inbox is there already.
  const waits = agent.observed.state === 'waiting' && agent.observed.question?.item === undefined;
  return waits ? [waitingDraft(agent), ...attention] : attention;
}

export const beadKeys = (beadId: string) => `bead:${beadId}:review:`;

/** The review that a bead waits for. */
export function beadDraft(bead: Bead): InboxDraft | undefined {
  if (bead.status !== 'review') return undefined;
  return {
    // Work that was sent back comes with a new proof, which is a new question.
    key: `${beadKeys(bead.id)}${bead.proof?.startedAt ?? ''}`,
    kind: 'review',
    projectId: bead.projectId,
    beadId: bead.id,
    title: `Review ${bead.id}: ${bead.title}`,
    choices: ['accept', 'send back'],
    ...(bead.agent === undefined ? {} : { agentName: bead.agent }),
  };
}

export const holdKeys = (projectId: string) => `merge:${projectId}:hold:`;
export const entryKeys = (entryId: string) => `merge:${entryId}:conflict:`;

/** A merge queue in which nothing lands until a person has seen to it. */
export function holdDraft({ projectId, hold }: Queue): InboxDraft | undefined {
  if (!hold) return undefined;
  return {
    key: `${holdKeys(projectId)}${hold.since}`,
    kind: 'conflict',
    projectId,
    title: `The merge queue is held: ${hold.message}\n${hold.command}`,
    choices: ['resume'],
  };
}

/** Work that conflicts and that no agent was told of: it is a person's. */
export function entryDraft(entry: Entry): InboxDraft | undefined {
  if (entry.status !== 'conflicted' || !/; (a person sees to it|no agent is running)/.test(entry.reason ?? ''))
    return undefined;
  const times = entry.history.filter((step) => step.to === 'conflicted').length;
  return {
    key: `${entryKeys(entry.id)}${times}`,
    kind: 'conflict',
    projectId: entry.projectId,
    beadId: entry.beadId,
    title: `${entry.beadId} ${entry.reason}`,
    choices: ['retry', 'remove'],
  };
}

interface DeadPrompt {
  id: string;
  agentId: string;
  text: string;
  status: string;
  reason?: string;
}

/** A prompt that will never arrive is nothing to be silent about. */
export function promptDraft(prompt: DeadPrompt, agent: AgentItem): InboxDraft | undefined {
  if (prompt.status !== 'dead') return undefined;
  return {
    ...about(agent),
    key: `prompt:${prompt.id}`,
    kind: 'failure',
    title: `A prompt to ${agent.name} did not arrive (${prompt.reason ?? 'no reason is known'}): ${prompt.text.slice(0, 200)}`,
    choices: ['send again', 'leave it'],
  };
}

/** Why a key cannot do its work now; the same rules as the daemon's, from the same tables. */
import type { Agent } from '../../src/agents/schema.ts';
import { isLive } from '../../src/agents/state.ts';
import type { Bead, BeadStatus, Priority } from '../../src/beads/schema.ts';
import { actionBetween } from '../../src/beads/state.ts';
import { selectedAgent, selectedBead, targetAgents, targetBeads } from './selection.ts';
import { LANES, type Model } from './state.ts';
import { shortId } from './text.ts';

export type Reason = string | undefined;

export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Priority[];

export function awayReason(model: Model): Reason {
  if (model.connection.state === 'live') return undefined;
  return model.connection.state === 'away'
    ? 'The daemon is away; what you see may be old'
    : 'Still connecting to the daemon';
}

export function noBead(model: Model): Reason {
  return targetBeads(model).length === 0 ? 'No bead is selected; press n to make one' : undefined;
}

export function noAgent(model: Model): Reason {
  if (targetAgents(model).length > 0) return undefined;
  return model.cursor.zone === 'agents' ? 'No agent is selected' : 'No agent works on this bead; press s to start one';
}

function withoutProgram(agent: Agent): Reason {
  return isLive(agent.lifecycle) ? undefined : `${agent.name} is ${agent.observed.state}; press r to restart it`;
}

export function noLiveAgent(model: Model): Reason {
  const missing = noAgent(model);
  if (missing) return missing;
  return targetAgents(model).some((agent) => isLive(agent.lifecycle))
    ? undefined
    : withoutProgram(targetAgents(model)[0] as Agent);
}

export function laneBeside(status: BeadStatus, by: 1 | -1): BeadStatus | undefined {
  return LANES[LANES.indexOf(status) + by];
}

/** Why `bead` cannot move one lane left or right. Done is proven by landing, never by moving a card. */
export function moveReason(bead: Bead, by: 1 | -1): Reason {
  const to = laneBeside(bead.status, by);
  if (!to) return by === 1 ? 'This is the last lane' : 'This is the first lane';
  if (to === 'done') return 'Done is proven, not moved: a accepts and lands the work';
  if (bead.status === 'done')
    return `${shortId(bead.id)} is done; from here it can only be reopened (:bead status ${bead.id} open)`;
  return actionBetween(bead.status, to) ? undefined : `${shortId(bead.id)} cannot go from ${bead.status} to ${to}`;
}

/** Undefined when at least one target can move: marked cards that cannot are left where they are. */
export function noMove(by: 1 | -1): (model: Model) => Reason {
  return (model) => {
    const reasons = targetBeads(model).map((bead) => moveReason(bead, by));
    return awayReason(model) ?? noBead(model) ?? (reasons.includes(undefined) ? undefined : reasons[0]);
  };
}

export function noPriority(by: 1 | -1): (model: Model) => Reason {
  return (model) => {
    const end = by === 1 ? 'critical' : 'low';
    const beads = targetBeads(model);
    return (
      awayReason(model) ??
      noBead(model) ??
      (beads.every((bead) => bead.priority === end) ? `Already ${end}` : undefined)
    );
  };
}

export function noSpawn(model: Model): Reason {
  const missing = awayReason(model) ?? noBead(model);
  if (missing) return missing;
  const free = targetBeads(model).filter((bead) => bead.status !== 'done' && !liveAgentOn(model, bead));
  const [waiting] = free;
  if (waiting && free.every((bead) => blockersIn(model, bead).length > 0)) {
    const ids = blockersIn(model, waiting).map(shortId).join(', ');
    return `${shortId(waiting.id)} waits for ${ids} (:agent spawn --bead ${waiting.id} --force begins all the same)`;
  }
  if (waiting) return undefined;
  const [bead] = targetBeads(model);
  if (bead?.status === 'done') return `${shortId(bead.id)} is done`;
  return 'It already has a running agent; Enter goes to it';
}

/** Open blockers of a bead; an unknown one blocks too. */
export function blockersIn(model: Model, bead: Bead): string[] {
  return bead.status === 'open' ? bead.blockedBy.filter((id) => model.beads.get(id)?.status !== 'done') : [];
}

export function liveAgentOn(model: Model, bead: Bead): Agent | undefined {
  for (const agent of model.agents.values()) if (agent.beadId === bead.id && isLive(agent.lifecycle)) return agent;
  return undefined;
}

export function noReview(model: Model): Reason {
  const missing = awayReason(model) ?? noBead(model);
  if (missing) return missing;
  return targetBeads(model).some((bead) => bead.branch !== undefined || bead.landedCommit !== undefined)
    ? undefined
    : 'It has no branch yet; s starts an agent';
}

export function noVerdict(model: Model): Reason {
  const missing = awayReason(model) ?? noBead(model);
  if (missing) return missing;
  const [first] = targetBeads(model);
  return targetBeads(model).some((bead) => bead.status === 'review')
    ? undefined
    : `It is ${first?.status}; only work in review is accepted or sent back`;
}

export function noRestart(model: Model): Reason {
  const missing = awayReason(model) ?? noAgent(model);
  if (missing) return missing;
  return targetAgents(model).some(
    (agent) => !isLive(agent.lifecycle) || agent.observed.state === 'exited' || agent.observed.state === 'failed',
  )
    ? undefined
    : 'It is running; x stops it first';
}

export function noEdit(model: Model): Reason {
  return (
    awayReason(model) ?? (selectedBead(model) && model.cursor.zone === 'lanes' ? undefined : noSelectedCard(model))
  );
}

function noSelectedCard(model: Model): Reason {
  return model.mode.name === 'detail' ? undefined : 'Select a card first';
}

export function noMessage(model: Model): Reason {
  const agent = selectedAgent(model);
  return awayReason(model) ?? (agent ? withoutProgram(agent) : noAgent(model));
}

export function noChoices(model: Model): Reason {
  return model.mode.name === 'setup' && model.mode.step > 0 ? 'There is nothing to choose from: type it' : undefined;
}

export function noWaiting(model: Model): Reason {
  return [...model.agents.values()].some((agent) => agent.observed.state === 'waiting')
    ? undefined
    : 'Nobody waits for you';
}

/** Undefined when a target has a conflict to look at. */
export function noConflict(model: Model): Reason {
  const open = targetBeads(model).some((bead) => (bead.conflicts ?? 0) > 0);
  return noBead(model) ?? (open ? undefined : 'No other clone disagrees about this bead');
}

/** Which cards each lane shows and in what order; which agents are shown. All derived. */
import type { Agent, AgentState } from '../../src/agents/schema.ts';
import { isLive } from '../../src/agents/state.ts';
import type { Bead, Priority } from '../../src/beads/schema.ts';
import { type ByLane, type Model, perLane } from './state.ts';

const PRIORITY_RANK: Readonly<Record<Priority, number>> = { critical: 0, high: 1, medium: 2, low: 3 };
const STATE_RANK: Readonly<Record<AgentState, number>> = {
  waiting: 0,
  failed: 1,
  parked: 2,
  busy: 3,
  starting: 4,
  unknown: 5,
  idle: 6,
  paused: 7,
  exited: 8,
};

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byUrgency(a: Bead, b: Bead): number {
  return (
    PRIORITY_RANK[a.priority] - PRIORITY_RANK[b.priority] ||
    compareText(a.createdAt, b.createdAt) ||
    compareText(a.id, b.id)
  );
}

function byRecency(a: Bead, b: Bead): number {
  return compareText(b.updatedAt, a.updatedAt) || compareText(a.id, b.id);
}

/** Cards per lane: urgent first; finished ones newest first. */
export function lanesOf(beads: Iterable<Bead>, isShown: (bead: Bead) => boolean): ByLane<readonly string[]> {
  const lists = perLane((): Bead[] => []);
  for (const bead of beads) if (isShown(bead)) lists[bead.status].push(bead);
  return perLane((lane) => lists[lane].sort(lane === 'done' ? byRecency : byUrgency).map((bead) => bead.id));
}

/** Agents worth a row: live ones and those that failed; who needs a person comes first. */
export function crewOf(agents: Iterable<Agent>): readonly string[] {
  return [...agents]
    .filter((agent) => isLive(agent.lifecycle) || agent.lifecycle === 'failed')
    .sort(
      (a, b) =>
        STATE_RANK[a.observed.state] - STATE_RANK[b.observed.state] ||
        a.name.localeCompare(b.name, 'en', { numeric: true }),
    )
    .map((agent) => agent.id);
}

/** The agent that works on a bead: a live one, else the last one that did. */
export function agentOf(model: Pick<Model, 'agents'>, bead: Bead | undefined): Agent | undefined {
  if (!bead) return undefined;
  let found: Agent | undefined;
  for (const agent of model.agents.values()) {
    if (agent.beadId !== bead.id && agent.name !== bead.agent) continue;
    if (agent.beadId !== undefined && agent.beadId !== bead.id) continue;
    if (!found || better(agent, found)) found = agent;
  }
  return found;
}

function better(a: Agent, b: Agent): boolean {
  const live = Number(isLive(a.lifecycle)) - Number(isLive(b.lifecycle));
  return live !== 0 ? live > 0 : a.createdAt > b.createdAt;
}

/** What is selected, and keeping it valid when data, filter or size change. */
import type { Agent } from '../../src/agents/schema.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { cardHeight, geometryOf, topFor } from './geometry.ts';
import { agentOf } from './lanes.ts';
import { LANES, type Model, perLane } from './state.ts';

export function selectedBead(model: Model): Bead | undefined {
  if (model.mode.name === 'detail') return model.beads.get(model.mode.beadId);
  const id = model.selected[model.cursor.lane];
  return id === undefined ? undefined : model.beads.get(id);
}

/** The agent that keys act on: the selected one, or the one of the selected bead. */
export function selectedAgent(model: Model): Agent | undefined {
  if (model.mode.name !== 'detail' && model.cursor.zone === 'agents') {
    return model.cursor.agentId === undefined ? undefined : model.agents.get(model.cursor.agentId);
  }
  return agentOf(model, selectedBead(model));
}

/** Beads an action is for: the marked ones, else the selected one. */
export function targetBeads(model: Model): Bead[] {
  if (model.mode.name !== 'detail' && model.marked.size > 0) {
    return [...model.marked].flatMap((id) => model.beads.get(id) ?? []);
  }
  if (model.mode.name !== 'detail' && model.cursor.zone === 'agents') {
    const bead = model.beads.get(selectedAgent(model)?.beadId ?? '');
    return bead ? [bead] : [];
  }
  const bead = selectedBead(model);
  return bead ? [bead] : [];
}

/** Agents an action is for: those of the marked beads, else the selected one. */
export function targetAgents(model: Model): Agent[] {
  if (model.mode.name !== 'detail' && model.marked.size > 0 && model.cursor.zone === 'lanes') {
    return targetBeads(model).flatMap((bead) => agentOf(model, bead) ?? []);
  }
  const agent = selectedAgent(model);
  return agent ? [agent] : [];
}

/** The card that takes over when the selected one left its lane: the one at the same place. */
function replacement(lane: readonly string[], previous: readonly string[], gone: string): string | undefined {
  const index = previous.indexOf(gone);
  return lane[Math.max(0, Math.min(index, lane.length - 1))];
}

/** When data changed, the selection stays on its card even when the card went to another lane. */
function followSelected(model: Model, previous: Model): Model {
  if (model.beads === previous.beads && model.wanted === undefined) return model;
  const id = model.wanted ?? previous.selected[model.cursor.lane];
  const bead = id === undefined ? undefined : model.beads.get(id);
  if (!bead || id === undefined || !model.lanes[bead.status].includes(id)) return model;
  const { wanted: _, ...rest } = model;
  const follows = {
    ...rest,
    selected: { ...model.selected, [bead.status]: id },
    cursor: { ...model.cursor, lane: bead.status },
  };
  return model.wanted ? { ...follows, cursor: { ...follows.cursor, zone: 'lanes' } } : follows;
}

function withTops(model: Model): Model {
  const geometry = geometryOf(model);
  const tops = perLane((lane) => {
    const ids = model.lanes[lane];
    const heights = (index: number) => cardHeight(model, model.beads.get(ids[index] ?? ''), geometry.arrangement);
    const selected = Math.max(0, ids.indexOf(model.selected[lane] ?? ''));
    const step = geometry.arrangement === 'stacked' ? 'least' : 'half';
    return topFor(heights, ids.length, selected, model.tops[lane], geometry.cardRows[lane], step);
  });
  return LANES.every((lane) => tops[lane] === model.tops[lane]) ? model : { ...model, tops };
}

function withAgent(model: Model): Model {
  const { zone, agentId } = model.cursor;
  if (model.crew.length === 0)
    return zone === 'agents' ? { ...model, cursor: { ...model.cursor, zone: 'lanes' } } : model;
  if (agentId !== undefined && model.crew.includes(agentId)) return model;
  const first = model.crew[0];
  return first === undefined ? model : { ...model, cursor: { ...model.cursor, agentId: first } };
}

/** Makes selection, marks and scroll positions valid again after any change. */
export function settle(model: Model, previous: Model): Model {
  const followed = followSelected(model, previous);
  const selected = perLane((lane) => {
    const id = followed.selected[lane];
    const ids = followed.lanes[lane];
    if (id !== undefined && ids.includes(id)) return id;
    return id === undefined ? ids[0] : (replacement(ids, previous.lanes[lane], id) ?? ids[0]);
  });
  const marked = [...followed.marked].every((id) => followed.beads.has(id))
    ? followed.marked
    : new Set([...followed.marked].filter((id) => followed.beads.has(id)));
  return withTops(withAgent({ ...followed, selected, marked }));
}

/** The convoys as the board shows them: which, in what order, how far, and what is selected. Pure. */
import type { Bead, BeadStatus } from '../../src/beads/schema.ts';
import type { Convoy, Estimate, Progress } from '../../src/convoys/schema.ts';
import { estimate, PROJECT_DAYS, progressOf } from '../../src/convoys/state.ts';
import { blockersIn } from './reasons.ts';
import { CONVOY_ORDER, type Model } from './state.ts';

const DAY_MS = 86_400_000;

/** Running ones first, then finished ones, the newest first. */
export function shownConvoys(model: Model): readonly Convoy[] {
  return [...model.convoys.values()].sort(
    (a, b) => CONVOY_ORDER.indexOf(a.status) - CONVOY_ORDER.indexOf(b.status) || (a.id < b.id ? 1 : -1),
  );
}

export function convoyIndex(model: Model): number {
  const last = model.convoys.size - 1;
  return model.mode.name === 'convoys' ? Math.max(0, Math.min(last, model.mode.index)) : 0;
}

export function selectedConvoy(model: Model): Convoy | undefined {
  return model.mode.name === 'convoys' ? shownConvoys(model)[convoyIndex(model)] : undefined;
}

export function openConvoys(model: Model): Model {
  return { ...model, mode: { name: 'convoys', index: 0 } };
}

export function moveInConvoys(model: Model, by: number): Model {
  if (model.mode.name !== 'convoys') return model;
  const index = Math.max(0, Math.min(model.convoys.size - 1, convoyIndex(model) + by));
  return { ...model, mode: { ...model.mode, index } };
}

/** Back to the cards, those of the selected convoy only. */
export function filterConvoy(model: Model): Model {
  const convoy = selectedConvoy(model);
  return convoy ? { ...model, mode: { name: 'board' }, filter: `convoy:${convoy.id}` } : model;
}

export function noConvoy(model: Model): string | undefined {
  return selectedConvoy(model) ? undefined : 'There is no convoy; :convoy create "…" makes one';
}

export interface ConvoyView {
  readonly progress: Progress;
  readonly estimate: Estimate;
}

const isBead = (bead: Bead | undefined): bead is Bead => bead !== undefined;

/** How far a convoy is, by the beads the board knows: the same rules as the daemon's. */
export function convoyView(model: Model, convoy: Convoy): ConvoyView {
  const beads = convoy.beads.map((id) => model.beads.get(id)).filter(isBead);
  const blocked = beads.filter((bead) => blockersIn(model, bead).length > 0).length;
  const progress = progressOf(
    beads.map((bead): BeadStatus => bead.status),
    blocked,
  );
  const since = new Date(model.nowMs - PROJECT_DAYS * DAY_MS).toISOString();
  let projectDone = 0;
  for (const bead of model.beads.values()) if (bead.doneAt !== undefined && bead.doneAt >= since) projectDone += 1;
  const doneMs = beads.flatMap((bead) => (bead.doneAt === undefined ? [] : [Date.parse(bead.doneAt)]));
  const history = { progress, sinceMs: Date.parse(convoy.createdAt), doneMs, projectDone, nowMs: model.nowMs };
  return { progress, estimate: estimate(history) };
}

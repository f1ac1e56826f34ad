/** The conversation of an agent on the board: which line is selected, and the questions before anything is put back. Pure. */
import type { TreeRow } from '../../src/sessions/text.ts';
import type { Model } from './state.ts';

export function selectedRow(model: Model): TreeRow | undefined {
  return model.mode.name === 'session' ? model.mode.rows[model.mode.index] : undefined;
}

export function moveInSession(model: Model, by: number): Model {
  const { mode } = model;
  if (mode.name !== 'session') return model;
  const index = Math.max(0, Math.min(mode.rows.length - 1, mode.index + by));
  return { ...model, mode: { ...mode, index } };
}

/** Turn or checkpoint the selected line stands for. */
const pointOf = (row: TreeRow | undefined) => row?.checkpoint ?? row?.turn;

export function noPoint(model: Model): string | undefined {
  return pointOf(selectedRow(model)) === undefined ? 'Select a turn or a checkpoint first' : undefined;
}

function asking(model: Model, action: 'rewind' | 'fork', question: (place: string) => string): Model {
  const { mode } = model;
  const [row, point] = [selectedRow(model), pointOf(selectedRow(model))];
  if (mode.name !== 'session' || mode.sessionId === undefined || !row || point === undefined) return model;
  const place = row.text.trim().replace(/^\* /, '').slice(0, 60);
  return {
    ...model,
    mode: { name: 'confirm', question: question(place), action, targets: [mode.sessionId, point] },
  };
}

export const askRewind = (model: Model): Model =>
  asking(model, 'rewind', (place) => `Put conversation and files back to “${place}”? What is there now is kept.`);

export const askFork = (model: Model): Model =>
  asking(model, 'fork', (place) => `Start another agent that goes on from “${place}”, on a branch of its own?`);

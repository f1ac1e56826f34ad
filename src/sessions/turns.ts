/** Ways through a tree of turns. Pure. */
import { idMatches } from '../base/id.ts';
import type { SessionTurn } from './schema.ts';

/** The turn an id, or a unique beginning or end of one, names; `ambiguous` when it names several. */
export function turnOf(turns: readonly SessionTurn[], text: string): SessionTurn | 'ambiguous' | undefined {
  const exact = turns.find((turn) => turn.id === text);
  if (exact) return exact;
  const matches = idMatches(turns, text);
  return matches.length > 1 ? 'ambiguous' : matches[0];
}

/** Turns from the first one to `id`, which is the last. */
export function pathTo(turns: readonly SessionTurn[], id: string): SessionTurn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const path: SessionTurn[] = [];
  const seen = new Set<string>();
  for (let turn = byId.get(id); turn && !seen.has(turn.id); turn = byId.get(turn.parent ?? '')) {
    seen.add(turn.id);
    path.push(turn);
  }
  return path.toReversed();
}

/** The turn a conversation is at: the last one that was written. */
export const currentTurn = (turns: readonly SessionTurn[]): SessionTurn | undefined => turns.at(-1);

/**
 * The turn nearest to `id` after which a model can be asked again: models refuse a conversation in which a call of a tool has
 * no result. Its results are taken along when they are there; else the conversation ends before the call.
 */
export function safeTurn(turns: readonly SessionTurn[], id: string): string | null {
  const children = Map.groupBy(turns, (turn) => turn.parent);
  const answered = new Set<string>();
  let at = turns.find((turn) => turn.id === id);
  if (!at) return null;
  const path = pathTo(turns, id);
  for (const turn of path) if (turn.callId !== undefined) answered.add(turn.callId);
  const open = () =>
    path.flatMap((turn) => turn.calls).filter((call) => call.id !== undefined && !answered.has(call.id));
  const wanted = new Set(open().map((call) => call.id));
  while (wanted.size > 0) {
    const next: SessionTurn | undefined = (children.get(at.id) ?? []).find(
      (turn) => turn.role === 'tool' || turn.calls.length > 0,
    );
    if (!next || (next.role !== 'tool' && next.role !== 'assistant')) break;
    if (next.callId !== undefined) wanted.delete(next.callId);
    at = next;
  }
  if (wanted.size === 0) return at.id;
  const first = path.findIndex((turn) => turn.calls.some((call) => wanted.has(call.id)));
  return path[first - 1]?.id ?? null;
}

/** Turns in the order a person reads them, each with the number of branches it lies in. */
export function walk(turns: readonly SessionTurn[]): { turn: SessionTurn; depth: number }[] {
  const known = new Set(turns.map((turn) => turn.id));
  const children = Map.groupBy(turns, (turn) => (turn.parent !== null && known.has(turn.parent) ? turn.parent : null));
  const open = (children.get(null) ?? []).toReversed().map((turn) => ({ turn, depth: 0 }));
  const walked: { turn: SessionTurn; depth: number }[] = [];
  for (let next = open.pop(); next; next = open.pop()) {
    walked.push(next);
    const below = children.get(next.turn.id) ?? [];
    const depth = next.depth + (below.length > 1 ? 1 : 0);
    open.push(...below.toReversed().map((turn) => ({ turn, depth })));
  }
  return walked;
}

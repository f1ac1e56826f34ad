/** Which turn and which files are meant when a session is put back or forked. */
import { idMatches } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Checkpoint, Session, SessionTurn } from './schema.ts';
import { shortId } from './text.ts';
import { pathTo, safeTurn, turnOf } from './turns.ts';

export interface Target {
  /** Last turn of the conversation; null when it begins anew. */
  turn: string | null;
  /** Checkpoint whose files belong to it. */
  checkpoint?: Checkpoint | undefined;
}

/** The newest checkpoint with files on the way to a turn. Pure. */
function codeFor(turns: readonly SessionTurn[], turn: string, all: readonly Checkpoint[]): Checkpoint | undefined {
  const withFiles = all.filter((each) => each.code);
  for (const { id } of pathTo(turns, turn).toReversed()) {
    const found = withFiles.findLast((each) => each.turn === id);
    if (found) return found;
  }
  return undefined;
}

/**
 * The target that a person names: a turn, by a unique beginning or end of its id, or a checkpoint of the session. Pure.
 * @throws GodelError turn-not-found, ambiguous-id
 */
export function targetOf(
  session: Session,
  turns: readonly SessionTurn[],
  checkpoints: readonly Checkpoint[],
  text: string,
): Target {
  const called = checkpoints.findLast((each) => each.name === text || each.id === text);
  const ended = checkpoints.filter((each) => text.length >= 4 && each.id.endsWith(text));
  const checkpoint = called ?? (ended.length === 1 ? ended[0] : undefined);
  if (checkpoint) return { turn: checkpoint.turn, checkpoint };
  const turn = turnOf(turns, text);
  if (turn === 'ambiguous') {
    const matches = idMatches(turns, text).map(({ id }) => id);
    throw failure('ambiguous-id', { id: text, matches });
  }
  if (!turn) throw failure('turn-not-found', { id: text, session: shortId(session.id) });
  const wanted = safeTurn(turns, turn.id);
  return { turn: wanted, checkpoint: wanted === null ? undefined : codeFor(turns, wanted, checkpoints) };
}

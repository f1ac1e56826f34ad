/** What an agent is told when its conversation was put elsewhere. Pure. */
import type { SessionTurn } from './schema.ts';
import { summaryOf } from './text.ts';

const WAIT = 'Say in one line where the work stands, then wait for the next prompt.';

/** For a program that cannot take the earlier conversation over: what it must know, and where all of it can be read. */
export function carriedOver(turns: readonly SessionTurn[], file: string, prompt: string | undefined): string {
  const summary = turns.length === 0 ? 'Nothing was said yet.' : summaryOf(turns);
  return [
    'This work was begun in an earlier conversation, which this one goes on from. The files of your worktree belong to it.',
    '',
    summary,
    '',
    `All of it, word for word, is in ${file}`,
    '',
    prompt ?? WAIT,
  ].join('\n');
}

export interface ForkedTo {
  name: string;
  worktree?: string | undefined;
  beadId?: string | undefined;
}

/** For an agent that goes on with a copy: where it is now, since the conversation speaks of another place. */
export function forkedText(to: ForkedTo, prompt: string | undefined): string {
  const place =
    to.beadId === undefined
      ? []
      : [`Your bead is ${to.beadId} now, on the branch bead/${to.beadId}, in the worktree ${to.worktree ?? ''}.`];
  return [
    `This conversation is a copy of an earlier one. From here on you are ${to.name}.`,
    ...place,
    'The agent it was copied from goes on by itself: leave its files and its branch alone.',
    '',
    prompt ?? WAIT,
  ].join('\n');
}

/** Beads as text: what people type made safe to show, and the lines that lists show. */
import { table } from '../base/table.ts';
import { failure } from '../errors.ts';
import { type Bead, MAX_TITLE_LENGTH } from './schema.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Free text without control characters other than tab and line feed. */
export function cleanText(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(CONTROLS, '');
}

/**
 * A title: line ends become spaces, control characters go, at most MAX_TITLE_LENGTH characters.
 * @throws GodelError bad-input when nothing is left or it is too long
 */
export function cleanTitle(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  const title = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  const length = [...title].length;
  if (length === 0) {
    throw failure('bad-input', { problem: 'The title is empty.', hint: 'godel bead create "What is to be done"' });
  }
  if (length > MAX_TITLE_LENGTH) {
    throw failure('bad-input', {
      problem: `The title has ${length} characters; at most ${MAX_TITLE_LENGTH} are possible.`,
      hint: 'Keep the title short and put the rest into --description.',
    });
  }
  return title;
}

/** One line about a bead, as lists show it. */
function beadLine(bead: Bead): string[] {
  return [bead.id, bead.status, bead.priority, bead.type, bead.agent ?? '-', bead.title];
}

export function beadTable(beads: readonly Bead[]): string {
  return table(['ID', 'STATUS', 'PRIORITY', 'TYPE', 'AGENT', 'TITLE'], beads.map(beadLine));
}

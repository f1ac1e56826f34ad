/** What a person has typed into the input of a program and not sent yet, read from the keys on their way. Pure. */

export interface Draft {
  /** Takes keys as a terminal sends them. */
  typed(keys: string): void;
  /** The text in the input; empty when there is none, undefined when keys were used after which nobody but the program knows. */
  text(): string | undefined;
  /** When (ms) the last key came; 0 before the first. */
  lastMs(): number;
}

const ESCAPE = '\u001b';
const PASTE_BEGINS = `${ESCAPE}[200~`;
const PASTE_ENDS = `${ESCAPE}[201~`;
const OVER = '(?:\u0007|\u001b\\\\)';
/** What says nothing about the input: mouse, focus, answers of the terminal, and Shift+Tab, which changes a mode. */
const NO_MATTER = new RegExp(
  `^${ESCAPE}(?:\\[<[\\d;]*[Mm]|\\[[IOZ]|\\[[?>=\\d;]*(?:\\$y|[Rcntu])|[\\]P_][^\u0007${ESCAPE}]*${OVER})`,
);
/** Left, right, Home, End: the text stays, but what is typed next goes elsewhere. */
const MOVES = new RegExp(`^${ESCAPE}(?:\\[(?:1;\\d)?|O)[CDHF]`);
const ANY = new RegExp(`^${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|O.|.)?`, 's');
const [ENTER, NEW_LINE, CANCEL, ERASE_LINE] = ['\r', '\n', '\u0003', '\u0015'];
const BACKSPACES = new Set(['\u007f', '\b']);

export function createDraft(now: () => number): Draft {
  let text = '';
  let isKnown = true;
  let moved = false;
  let pasting = false;
  let atMs = 0;

  function clear(): void {
    [text, isKnown, moved] = ['', true, false];
  }

  function add(more: string): void {
    if (moved) isKnown = false;
    text += more;
  }

  function press(key: string): void {
    if (key === ENTER && text.endsWith('\\')) text = `${text.slice(0, -1)}\n`;
    else if (key === ENTER || key === CANCEL) clear();
    else if (key === NEW_LINE) add('\n');
    else if (key === ERASE_LINE && !text.includes('\n')) clear();
    else if (BACKSPACES.has(key) && !moved) text = [...text].slice(0, -1).join('');
    else if (key >= ' ' && !BACKSPACES.has(key)) add(key);
    else isKnown = false;
  }

  /** Takes a sequence at the beginning of `keys`; the rest. */
  function sequence(keys: string): string {
    if (keys.startsWith(PASTE_BEGINS)) {
      pasting = true;
      return keys.slice(PASTE_BEGINS.length);
    }
    const [plain] = NO_MATTER.exec(keys) ?? [];
    if (plain !== undefined) return keys.slice(plain.length);
    const [move] = MOVES.exec(keys) ?? [];
    // Escape alone ends a turn, and may empty an input.
    if (move === undefined && (keys !== ESCAPE || text !== '')) isKnown = false;
    if (move !== undefined) moved = text !== '';
    return keys.slice(move?.length ?? ANY.exec(keys)?.[0].length ?? 1);
  }

  function paste(keys: string): string {
    const end = keys.indexOf(PASTE_ENDS);
    pasting = end < 0;
    const pasted = end < 0 ? keys : keys.slice(0, end);
    add(pasted.replaceAll(/\r\n?/g, '\n'));
    return end < 0 ? '' : keys.slice(end + PASTE_ENDS.length);
  }

  return {
    typed(keys) {
      atMs = now();
      for (let rest = keys; rest !== ''; ) {
        if (pasting) rest = paste(rest);
        else if (rest.startsWith(ESCAPE)) rest = sequence(rest);
        else {
          const [key = ''] = rest;
          press(key);
          rest = rest.slice(key.length);
        }
      }
    },
    text: () => (isKnown ? text : undefined),
    lastMs: () => atMs,
  };
}

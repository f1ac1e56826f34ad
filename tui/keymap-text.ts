/** Keys that edit typed text: the same in every line of the board and of the review popup. */
import type { ModeName } from './model/state.ts';

/** Modes in which a key that is bound to nothing types its character. */
export const typing: readonly ModeName[] = ['filter', 'command', 'prompt', 'help', 'setup'];

export const edit = [
  { action: 'cursorLeft', keys: ['left', 'C-b'], tooltip: 'Cursor left' },
  { action: 'cursorRight', keys: ['right', 'C-f'], tooltip: 'Cursor right' },
  { action: 'cursorStart', keys: ['home', 'C-a'], tooltip: 'Start of the line' },
  { action: 'cursorEnd', keys: ['end', 'C-e'], tooltip: 'End of the line' },
  { action: 'eraseLeft', keys: ['backspace', 'C-h'], tooltip: 'Erase to the left' },
  { action: 'eraseRight', keys: ['delete', 'C-d'], tooltip: 'Erase to the right' },
  { action: 'eraseWord', keys: ['C-w'], tooltip: 'Erase the word' },
  { action: 'eraseToStart', keys: ['C-u'], tooltip: 'Erase to the start' },
  { action: 'eraseToEnd', keys: ['C-k'], tooltip: 'Erase to the end' },
] as const;

/** Line ends in texts of several lines. */
export const NEWLINE_KEYS: readonly string[] = ['M-enter', 'C-j'];

/** What a person has typed into a program's input and not sent is taken out of it while Godel types, and put there again. */
import { setTimeout as delay } from 'node:timers/promises';
import { createDraft } from './draft.ts';
import type { Keys } from './terminal.ts';

/** Between a pasted text and Enter: some programs take an Enter that comes at once as part of the text. */
export const ENTER_PAUSE_MS = 400;
/** A person who types is let finish, but not for ever (ms). */
const TYPING_MS = 1_500;
const LONGEST_TYPING_MS = 20_000;

/** A text as a terminal's input: control characters out, line ends as a paste has them. */
export function pasteOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  const plain = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  return `\u001b[200~${plain.replaceAll('\n', '\r')}\u001b[201~`;
}

export interface FaceDraftOptions {
  /** What a person types into the pane; absent where nobody can. */
  keys: Keys | undefined;
  /** A dialog is open: keys go there, not into the input. */
  isAsking: () => boolean;
  /** A person sent something meanwhile, and its turn comes first. */
  isTaken: () => boolean;
  /** Lines that the program may have put into its input itself. */
  putThere: () => number;
  /** Keys that clear an input of so many lines. */
  clearing: (lines: number) => string;
  write: (keys: string) => void;
}

export interface FaceDraft {
  /**
   * Takes the draft out of the input, and what the program put there itself, and keeps further keys back until `release`. What
   * only the program knows, since it was not simply typed, stays where it is.
   */
  take(): Promise<string>;
  putBack(text: string): Promise<void>;
  release(): void;
}

export function createFaceDraft(options: FaceDraftOptions): FaceDraft {
  const { keys, write } = options;
  const draft = createDraft(Date.now);
  keys?.watch((typed) => {
    if (!options.isAsking()) draft.typed(typed);
  });

  async function whenQuiet(): Promise<void> {
    const beganMs = Date.now();
    const isTyping = () => Date.now() - draft.lastMs() < TYPING_MS && Date.now() - beganMs < LONGEST_TYPING_MS;
    while (options.isTaken() || (draft.text() !== '' && isTyping())) await delay(ENTER_PAUSE_MS);
  }

  return {
    async take() {
      await whenQuiet();
      keys?.hold();
      const text = draft.text() ?? '';
      const lines = Math.max(options.putThere(), text === '' ? 0 : text.split('\n').length);
      if (lines === 0) return text;
      write(options.clearing(lines));
      // Keys that come together with a paste are taken for a part of it.
      await delay(ENTER_PAUSE_MS);
      return text;
    },
    async putBack(text) {
      if (text === '') return;
      await delay(ENTER_PAUSE_MS);
      write(pasteOf(text));
    },
    release: () => keys?.release(),
  };
}

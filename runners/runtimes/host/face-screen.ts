/** What the output of a program tells apart from what it draws: its title, and that it takes what is pasted. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TitleSays } from './face-program.ts';

export interface ScreenWatch {
  /** Takes what the program wrote. */
  take(output: string | Buffer): void;
  /** What its title says now. */
  says(): TitleSays | undefined;
  /** Resolves true when the title says one of these, false after the time (ms). */
  turnsTo(wanted: readonly TitleSays[], limitMs: number): Promise<boolean>;
  /** Resolves when nothing was drawn for `quietMs`, or after the time (ms). */
  rests(quietMs: number, limitMs: number): Promise<void>;
  /** Resolves when it takes pastes: what is typed earlier is lost. */
  takesPaste: Promise<void>;
}

/** A title is short: a sequence that is longer and not over is something else. */
const MAX_UNFINISHED = 4_096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal are made of them.
const TITLE = /\u001b\](?:0|2);([^\u0007\u001b]*)(?:\u0007|\u001b\\)/g;
const TITLE_ENDS = ['\u0007', '\u001b\\'];
const PASTE_ON = '\u001b[?2004h';

export function createScreenWatch(
  readTitle: (title: string) => TitleSays | undefined,
  onTitle: (says: TitleSays, before: TitleSays | undefined) => void,
): ScreenWatch {
  const decoder = new TextDecoder();
  const listeners = new Set<() => void>();
  let rest = '';
  let now: TitleSays | undefined;
  let drawnMs = Date.now();
  let pasteOn = () => {};
  const takesPaste = new Promise<void>((resolve) => {
    pasteOn = resolve;
  });

  function titled(title: string): void {
    const says = readTitle(title);
    if (says === undefined || says === now) return;
    const before = now;
    now = says;
    onTitle(says, before);
    for (const listener of [...listeners]) listener();
  }

  return {
    takesPaste,
    says: () => now,
    async rests(quietMs, limitMs) {
      const began = Date.now();
      for (let left = quietMs; left > 0 && Date.now() - began < limitMs; left = drawnMs + quietMs - Date.now())
        await delay(left);
    },
    take(output) {
      drawnMs = Date.now();
      const text = rest + (typeof output === 'string' ? output : decoder.decode(output, { stream: true }));
      if (text.includes(PASTE_ON)) pasteOn();
      for (const [, title = ''] of text.matchAll(TITLE)) titled(title);
      const begin = text.lastIndexOf('\u001b]');
      const last = begin < 0 ? '' : text.slice(begin);
      const cut = TITLE_ENDS.some((end) => last.includes(end)) ? '' : last;
      rest = cut !== '' && cut.length < MAX_UNFINISHED ? cut : text.slice(1 - PASTE_ON.length);
    },
    turnsTo(wanted, limitMs) {
      return new Promise((resolve) => {
        const check = () => {
          if (now === undefined || !wanted.includes(now)) return;
          end(true);
        };
        const timer = setTimeout(() => end(false), limitMs);
        const end = (turned: boolean) => {
          clearTimeout(timer);
          listeners.delete(check);
          resolve(turned);
        };
        listeners.add(check);
        check();
      });
    },
  };
}

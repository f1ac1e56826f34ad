/** Keeps a terminal in step with a source of rows: one write a frame, and only what differs. */
import { rowDiff } from './row-diff.ts';
import type { ScreenSource } from './views/screen-source.ts';

export interface ScreenWriter {
  /** Draws everything again, for when something else drew over it. */
  redraw(): void;
  stop(): void;
}

/** 60 frames a second keep held keys smooth; the first of a burst is drawn at once. */
const FRAME_MS = 16;
const BEGIN = '\u001b[?2026h\u001b[?25l\u001b[0m';
const END = '\u001b[?2026l';

export function createScreenWriter(
  source: ScreenSource,
  write: (text: string) => void,
  onPainted: () => void = () => {},
): ScreenWriter {
  let shown: readonly string[] | undefined;
  let last = 0;
  let timer: NodeJS.Timeout | undefined;

  function paint(): void {
    clearTimeout(timer);
    timer = undefined;
    const rows = source.rows();
    const text = rowDiff(shown, rows);
    shown = rows;
    last = performance.now();
    if (text !== '') write(`${BEGIN}${text}${END}`);
    onPainted();
  }

  function soon(): void {
    const wait = last + FRAME_MS - performance.now();
    if (wait <= 0) paint();
    else timer ??= setTimeout(paint, wait);
  }

  const unsubscribe = source.subscribe(soon);
  paint();
  return {
    redraw() {
      shown = undefined;
      paint();
    },
    stop() {
      unsubscribe();
      clearTimeout(timer);
    },
  };
}

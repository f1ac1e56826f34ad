/**
 * Lines out of chunks. A long line costs no more than its bytes, and one without end is not kept for ever. Nothing of a chunk is kept
 * in the memory it came in, and a line is given on in that memory. Pure.
 */

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** True when a line has begun whose end has not come. */
  waiting(): boolean;
  /** The last line, when no line end followed it. */
  finish(): void;
}

/** A line that is longer is not given on. */
const MOST = 64 * 1024 * 1024;

export function createLineSplitter(onLine: (line: Buffer) => void): LineSplitter {
  let pieces: Buffer[] = [];
  let size = 0;

  function keep(piece: Buffer): void {
    size += piece.length;
    if (size <= MOST) pieces.push(Buffer.from(piece));
    else pieces = [];
  }

  function close(): void {
    if (size > 0 && size <= MOST) onLine(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces));
    pieces = [];
    size = 0;
  }

  return {
    push(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const piece = chunk.subarray(from, end);
        from = end + 1;
        if (size === 0) onLine(piece);
        else {
          keep(piece);
          close();
        }
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
    waiting: () => size > 0,
    finish: close,
  };
}

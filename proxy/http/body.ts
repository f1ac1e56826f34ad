/** Bodies of HTTP/1.1 messages as their bytes come: by length, in chunks, or until the connection ends (RFC 9112, 6 and 7). Pure. */
import { CHUNKED, type Framing, HttpError, UNTIL_CLOSE } from './head.ts';

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
/** Bytes of extensions and trailers, which nobody here needs. */
const MOST_IDLE = 16 * 1024;
/** A chunk has at most 2^48 bytes: what is more is no number that can be counted exactly. */
const MOST_DIGITS = 12;

/** Where in a chunked body the next byte stands. */
const At = {
  Size: 0,
  Extension: 1,
  SizeEnd: 2,
  Data: 3,
  DataCr: 4,
  DataLf: 5,
  TrailerStart: 6,
  Trailer: 7,
  TrailerEnd: 8,
  LastLf: 9,
  Done: 10,
} as const;
type At = (typeof At)[keyof typeof At];

function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

const bad = () => new HttpError(400, 'its chunks cannot be read');

/** Takes one body apart. */
export interface BodyDecoder {
  /** True when all of it has come. */
  done: boolean;
  /** What the last bytes held of it; undefined when they held nothing. */
  bytes: Buffer | undefined;
  /**
   * Reads `chunk` from `from` and returns where it stopped: behind the end of the body, or at the end of the chunk. What the
   * chunks of one read hold is moved together in it, so `chunk` has to be the caller's own.
   * @throws HttpError when it is no such body
   */
  read(chunk: Buffer, from: number): number;
}

function byLength(length: number): BodyDecoder {
  let left = length;
  const decoder: BodyDecoder = {
    done: left === 0,
    bytes: undefined,
    read(chunk, from) {
      const end = Math.min(chunk.length, from + left);
      left -= end - from;
      decoder.done = left === 0;
      decoder.bytes = end === from ? undefined : chunk.subarray(from, end);
      return end;
    },
  };
  return decoder;
}

function untilClose(): BodyDecoder {
  const decoder: BodyDecoder = {
    done: false,
    bytes: undefined,
    read(chunk, from) {
      decoder.bytes = from === chunk.length ? undefined : chunk.subarray(from);
      return chunk.length;
    },
  };
  return decoder;
}

function inChunks(): BodyDecoder {
  let at: At = At.Size;
  let size = 0;
  let digits = 0;
  let idle = 0;

  function afterByte(byte: number): At {
    switch (at) {
      case At.Size: {
        const digit = digitOf(byte);
        if (digit >= 0 && digits < MOST_DIGITS) {
          size = size * 16 + digit;
          digits += 1;
          return At.Size;
        }
        if (digits === 0) throw bad();
        if (byte === CR) return At.SizeEnd;
        if (byte === SEMICOLON) return At.Extension;
        throw bad();
      }
      case At.SizeEnd:
        if (byte !== LF) throw bad();
        digits = 0;
        return size === 0 ? At.TrailerStart : At.Data;
      case At.DataCr:
        if (byte !== CR) throw bad();
        return At.DataLf;
      case At.DataLf:
        if (byte !== LF) throw bad();
        return At.Size;
      case At.TrailerEnd:
        if (byte !== LF) throw bad();
        return At.TrailerStart;
      case At.LastLf:
        if (byte !== LF) throw bad();
        return At.Done;
      default:
        return afterIdle(byte);
    }
  }

  function afterIdle(byte: number): At {
    idle += 1;
    if (idle > MOST_IDLE || byte === LF) throw bad();
    if (at === At.Extension) return byte === CR ? At.SizeEnd : At.Extension;
    if (at === At.TrailerStart) return byte === CR ? At.LastLf : At.Trailer;
    return byte === CR ? At.TrailerEnd : At.Trailer;
  }

  const decoder: BodyDecoder = {
    done: false,
    bytes: undefined,
    read(chunk, from) {
      let [start, end] = [-1, -1];
      let index = from;
      while (index < chunk.length && at !== At.Done) {
        if (at !== At.Data) {
          at = afterByte(chunk[index] as number);
          index += 1;
          continue;
        }
        const stop = Math.min(chunk.length, index + size);
        if (start < 0) [start, end] = [index, stop];
        else {
          chunk.copyWithin(end, index, stop);
          end += stop - index;
        }
        size -= stop - index;
        index = stop;
        if (size === 0) at = At.DataCr;
      }
      decoder.done = at === At.Done;
      decoder.bytes = start < 0 ? undefined : chunk.subarray(start, end);
      return index;
    },
  };
  return decoder;
}

export function createBodyDecoder(framing: Framing): BodyDecoder {
  if (framing === CHUNKED) return inChunks();
  return framing === UNTIL_CLOSE ? untilClose() : byLength(framing);
}

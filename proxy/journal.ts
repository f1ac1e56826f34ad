/**
 * Rows of the ledger between the moment they are true and the moment they are in its tables: one line each in a file beside
 * it. A line is with the system when `append` returns, so a killed process loses none of them, and costs one call of the
 * system where a transaction costs many.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface Journal {
  /** What an earlier process left behind, oldest first. */
  left(): unknown[];
  /** @throws the error of the system when the line could not be written; nothing of it stays */
  append(row: unknown): void;
  /** Forgets every line: all of them are elsewhere. */
  clear(): void;
  close(): void;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The system died in the middle of this line.
    return undefined;
  }
}

export function openJournal(file: string): Journal {
  const handle = openSync(file, 'a+', 0o600);
  let size = fstatSync(handle).size;
  return {
    left: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .map(parsed)
        .filter((row) => row !== undefined),
    append(row) {
      const line = Buffer.from(`${JSON.stringify(row)}\n`);
      try {
        for (let done = 0; done < line.length; ) done += writeSync(handle, line, done);
      } catch (error) {
        ftruncateSync(handle, size);
        throw error;
      }
      size += line.length;
    },
    clear() {
      if (size > 0) ftruncateSync(handle, 0);
      size = 0;
    },
    close: () => closeSync(handle),
  };
}

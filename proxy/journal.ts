/**
 * Rows of the ledger between the moment they are true and the moment they are in its tables: one line each in a file beside
 * it. Lines are with the system when `write` returns, so a killed process loses none of them, and cost one call of the
 * system where a transaction costs many.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface Journal {
  /** What an earlier process left behind, oldest first. */
  left(): unknown[];
  add(row: unknown): void;
  /**
   * Hands over the lines that were added.
   * @throws the error of the system when they could not be written; nothing of them stays
   */
  write(): void;
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
  let lines = '';
  return {
    left: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .map(parsed)
        .filter((row) => row !== undefined),
    add(row) {
      lines += `${JSON.stringify(row)}\n`;
    },
    write() {
      if (lines === '') return;
      const bytes = Buffer.from(lines);
      lines = '';
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
      } catch (error) {
        ftruncateSync(handle, size);
        throw error;
      }
      size += bytes.length;
    },
    clear() {
      lines = '';
      if (size > 0) ftruncateSync(handle, 0);
      size = 0;
    },
    close: () => closeSync(handle),
  };
}

/**
 * Which prompts were handed to the program, kept beside the agent so that it survives both ends. A prompt is recorded and
 * flushed before it is handed over; after a crash between the two, the conversation itself tells whether it arrived.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface PromptRecord {
  /** True when this prompt was handed over before. */
  has(id: string): boolean;
  /** Records a prompt durably, to be called just before it is handed over. */
  add(id: string, text: string): void;
  /** Forgets prompts whose text is not among `texts`, the user messages of the conversation. */
  reconcile(texts: readonly string[]): void;
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

export function openPromptRecord(file: string): PromptRecord {
  const known = new Map<string, string>();
  for (const line of readLines(file)) {
    const [id, hash] = line.split(' ');
    if (id && hash) known.set(id, hash);
  }
  return {
    has: (id) => known.has(id),
    add(id, text) {
      const fd = openSync(file, 'a', 0o600);
      try {
        writeSync(fd, `${id} ${digest(text)}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      known.set(id, digest(text));
    },
    reconcile(texts) {
      const present = new Set(texts.map(digest));
      for (const [id, hash] of known) if (!present.has(hash)) known.delete(id);
    },
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

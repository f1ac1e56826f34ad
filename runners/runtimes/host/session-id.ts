/** The id of a conversation that the program chose, kept beside the agent so that a later life goes on with it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export function readSessionId(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

export function writeSessionId(file: string, id: string): void {
  writeFileSync(`${file}.new`, `${id}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** The conversation to go on with. What Godel knows counts: it may have put the agent to another one. */
export function settleSessionId(file: string, wanted: string | undefined): string | undefined {
  if (wanted !== undefined && wanted !== readSessionId(file)) writeSessionId(file, wanted);
  return readSessionId(file);
}

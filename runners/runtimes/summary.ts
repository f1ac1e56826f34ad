/** What is told of a tool call, whatever a program calls its arguments: a line for people, and a digest of all of it. Pure. */
import { createHash } from 'node:crypto';

const MOST = 160;
const NAMES = ['command', 'cmd', 'file_path', 'filePath', 'path', 'pattern', 'url', 'query', 'description'];

/** Text on one line, without control characters, at most `most` characters. */
export function oneLine(text: string, most = MOST): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** The command, path or pattern of a tool call; undefined when it names none. */
export function summaryOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const values = input as Record<string, unknown>;
  for (const name of NAMES) {
    const value = values[name];
    const text = Array.isArray(value) ? value.join(' ') : value;
    if (typeof text === 'string' && text.trim() !== '') return oneLine(text);
  }
  return undefined;
}

/** What the daemon is told of a call: equal digests for equal inputs only, however alike their summaries are. */
export function aboutCall(input: unknown): { summary?: string; digest: string } {
  const summary = summaryOf(input);
  const digest = createHash('sha256')
    .update(JSON.stringify(input ?? null))
    .digest('hex')
    .slice(0, 32);
  return { ...(summary === undefined ? {} : { summary }), digest };
}

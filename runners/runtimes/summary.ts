/** One line about a tool call, whatever a program calls its arguments. Pure. */

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

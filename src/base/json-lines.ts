/** Files of JSON lines, one object in each, whose last one may be cut by a kill. Pure. */

export type Json = Record<string, unknown>;

/** Objects of a text of JSON lines; what is no object is passed over. */
export function jsonLines(text: string): Json[] {
  const found: Json[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    try {
      found.push(JSON.parse(line) as Json);
    } catch {
      // A line that was cut by a kill.
    }
  }
  return found;
}

/** Objects of the text of one file, which is read again and again. */
export type LineReader = (text: string) => Json[];

/** What was read before, and is still how the text begins, is not parsed again: conversations only grow, and become long. */
export function createLineReader(): LineReader {
  let known = '';
  let lines: Json[] = [];
  return (text) => {
    const isLonger = text.startsWith(known);
    const end = text.lastIndexOf('\n') + 1;
    const whole = jsonLines(text.slice(isLonger ? known.length : 0, end));
    lines = isLonger ? lines.concat(whole) : whole;
    known = text.slice(0, end);
    return lines.concat(jsonLines(text.slice(end)));
  };
}

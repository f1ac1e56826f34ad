/** Header fields of HTTP messages. Pure. */

/**
 * Fields as they stand in a message, flat: name, value, name, value. Names are in lower case. A list is read and made faster than
 * an object whose names differ from one message to the next.
 */
export type Fields = string[];

/** The first value of `name`; undefined when there is none. */
export function fieldOf(fields: Readonly<Fields>, name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

/** The fields but those of one name. */
export function without(fields: Readonly<Fields>, name: string): Fields {
  const kept: Fields = [];
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at] !== name) kept.push(fields[at] as string, fields[at + 1] as string);
  return kept;
}

/** The same fields by name; of fields of one name the last counts. */
export function recordOf(fields: Readonly<Fields>): Record<string, string> {
  const record: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) record[fields[at] as string] = fields[at + 1] as string;
  return record;
}

/** What may not stand in a value: it would end the line, or the message (RFC 9110, 5.5). */
const INVALID = /[^\t\x20-\x7e\x80-\xff]/;

/** @throws TypeError for a value that cannot be sent */
export function fieldLines(fields: Readonly<Fields>): string {
  let lines = '';
  for (let at = 0; at < fields.length; at += 2) {
    const value = fields[at + 1] as string;
    if (INVALID.test(value)) throw new TypeError(`the header field ${fields[at]} cannot be sent`);
    lines += `${fields[at]}: ${value}\r\n`;
  }
  return lines;
}

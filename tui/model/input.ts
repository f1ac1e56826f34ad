/** A line (or lines) of text being typed: pure editing. */

export interface TextInput {
  readonly text: string;
  /** Index in UTF-16 units, always at a grapheme boundary. */
  readonly cursor: number;
}

export const emptyInput: TextInput = { text: '', cursor: 0 };

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export function inputOf(text: string): TextInput {
  return { text, cursor: text.length };
}

function previousBoundary({ text, cursor }: TextInput): number {
  let last = 0;
  for (const { index } of segmenter.segment(text.slice(0, cursor))) last = index;
  return last;
}

function nextBoundary({ text, cursor }: TextInput): number {
  const [first] = segmenter.segment(text.slice(cursor));
  return cursor + (first?.segment.length ?? 0);
}

function wordStart({ text, cursor }: TextInput): number {
  const before = text.slice(0, cursor).trimEnd();
  return before.search(/\S+$/) === -1 ? 0 : before.search(/\S+$/);
}

/** Everything a key can do to typed text except inserting. */
export const edits = {
  left: (input: TextInput) => ({ ...input, cursor: previousBoundary(input) }),
  right: (input: TextInput) => ({ ...input, cursor: nextBoundary(input) }),
  start: (input: TextInput) => ({ ...input, cursor: input.text.lastIndexOf('\n', input.cursor - 1) + 1 }),
  end: (input: TextInput) => {
    const next = input.text.indexOf('\n', input.cursor);
    return { ...input, cursor: next === -1 ? input.text.length : next };
  },
  backspace: (input: TextInput) => {
    const start = previousBoundary(input);
    return { text: input.text.slice(0, start) + input.text.slice(input.cursor), cursor: start };
  },
  delete: (input: TextInput) => ({
    ...input,
    text: input.text.slice(0, input.cursor) + input.text.slice(nextBoundary(input)),
  }),
  deleteWord: (input: TextInput) => {
    const start = wordStart(input);
    return { text: input.text.slice(0, start) + input.text.slice(input.cursor), cursor: start };
  },
  deleteToStart: (input: TextInput) => ({ text: input.text.slice(input.cursor), cursor: 0 }),
  deleteToEnd: (input: TextInput) => ({ ...input, text: input.text.slice(0, input.cursor) }),
} as const satisfies Record<string, (input: TextInput) => TextInput>;

export type Edit = keyof typeof edits;

/** Inserts at the cursor. Control characters are dropped; line ends too unless `lines` is set. */
export function insert(input: TextInput, text: string, lines = false): TextInput {
  const unified = text.replaceAll(/\r\n?/g, '\n');
  const flat = lines ? unified.replaceAll(/[^\P{Cc}\n\t]/gu, '') : unified.replaceAll(/\p{Cc}+/gu, ' ');
  return {
    text: input.text.slice(0, input.cursor) + flat + input.text.slice(input.cursor),
    cursor: input.cursor + flat.length,
  };
}

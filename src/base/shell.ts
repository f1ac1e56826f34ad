/** Words for a POSIX shell. */

/** `text` as one word, whatever is in it. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

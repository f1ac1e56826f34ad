/** The piece of a bead's text that a search found. Pure. */
import type { Bead } from './schema.ts';

const AROUND = 60;

const wordsOf = (text: string) =>
  text
    .toLowerCase()
    .split(/[\s"]+/)
    .filter((word) => word !== '' && !word.startsWith('-'));

function pieceAt(text: string, at: number): string {
  const start = Math.max(0, at - AROUND);
  const end = Math.min(text.length, at + AROUND);
  const piece = text.slice(start, end).replaceAll(/\s+/g, ' ').trim();
  return `${start > 0 ? '…' : ''}${piece}${end < text.length ? '…' : ''}`;
}

/** Where the first of the words stands: in the description, else in the newest comment, else in the title. */
export function excerptOf(bead: Bead, query: string): string {
  const words = wordsOf(query);
  const comments = bead.notes.map((note) => note.text).reverse();
  for (const text of [bead.description ?? '', ...comments]) {
    const lower = text.toLowerCase();
    for (const word of words) {
      const at = lower.indexOf(word);
      if (at >= 0) return pieceAt(text, at);
    }
  }
  return bead.title;
}

/** Takes what belongs to one machine or one person out of a tape. Pure. */
import { hostname, userInfo } from 'node:os';
import type { Tape } from '../../test/support/corpus.ts';

const KEYS = /\b(sk-[A-Za-z0-9_-]{8,}|[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,})\b/g;

/** `places` are folders of this machine, each with what stands for it; the longest is replaced first. */
export function scrubbed(tape: string, places: Readonly<Record<string, string>>): string {
  let text = tape;
  for (const [place, stand] of Object.entries(places).sort(([a], [b]) => b.length - a.length)) {
    text = text.replaceAll(place, stand).replaceAll(place.replaceAll(/[^A-Za-z0-9]/g, '-'), stand.replaceAll('/', '-'));
  }
  text = text.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1').replaceAll(KEYS, 'key');
  for (const word of [hostname(), userInfo().username].filter((each) => each.length > 3))
    text = text.replaceAll(word, 'somebody');
  return text;
}

const MOST_TEXT = 300;
const MOST_ITEMS = 20;

/** Long texts and lists are cut, for no verdict depends on their ends; of what Godel sent only its kind is kept. */
export function shortened(tape: Tape): Tape {
  const cut = (value: unknown): unknown => {
    if (typeof value === 'string') return value.length > MOST_TEXT ? `${value.slice(0, MOST_TEXT)}…` : value;
    if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map(cut);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cut(each)]));
  };
  const entries = tape.entries.map((entry) => {
    if ('sent' in entry) {
      const { type, method, id } = entry.sent;
      return { at: entry.at, sent: { type, method, id } };
    }
    return 'do' in entry || 'screen' in entry ? entry : (cut(entry) as typeof entry);
  });
  return { ...tape, entries };
}

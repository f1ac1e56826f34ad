/** While a filter is typed, the daemon searches descriptions and comments for its words; what it finds is shown too. */
import { plainWords } from './model/filter.ts';
import type { BoardClient } from './ports.ts';
import type { Store } from './store.ts';

/** A person types on for this long (ms) before the daemon is asked. */
const QUIET_MS = 120;
const MOST_HITS = 200;
const SHORTEST = 2;

export interface FilterSearch {
  stop(): void;
}

export function startFilterSearch(client: Pick<BoardClient, 'call'>, store: Store): FilterSearch {
  let asked = '';
  let timer: NodeJS.Timeout | undefined;
  const stopped = new AbortController();

  async function ask(words: string): Promise<void> {
    const { items } = await client.call('beadSearch', { text: words, limit: MOST_HITS }, { signal: stopped.signal });
    if (words !== asked || stopped.signal.aborted) return;
    store.dispatch({ type: 'found', found: { words, ids: items.map(({ bead }) => bead.id) } });
  }

  const unsubscribe = store.subscribe(({ filter, connection }) => {
    const words = plainWords(filter);
    if (words === asked || connection.state !== 'live') return;
    asked = words;
    clearTimeout(timer);
    if (words.length < SHORTEST) return;
    // Without an answer the filter still works on what the board knows.
    timer = setTimeout(() => void ask(words).catch(() => undefined), QUIET_MS);
  });

  return {
    stop() {
      stopped.abort();
      clearTimeout(timer);
      unsubscribe();
    },
  };
}

/** Wakes the board when time alone changes what is shown; at rest no timer is set. */
import { nextTick } from './model/age.ts';
import type { Store } from './store.ts';

export interface Ticker {
  stop(): void;
}

export function startTicker(store: Store, now: () => number): Ticker {
  let timer: NodeJS.Timeout | undefined;
  let due: number | undefined;
  const plan = () => {
    const next = nextTick(store.get());
    if (next === due) return;
    clearTimeout(timer);
    due = next;
    timer = next === undefined ? undefined : setTimeout(fire, Math.max(0, next - now()));
  };
  const fire = () => {
    due = undefined;
    store.dispatch({ type: 'tick' });
    plan();
  };
  const unsubscribe = store.subscribe(plan);
  plan();
  return {
    stop() {
      clearTimeout(timer);
      unsubscribe();
    },
  };
}

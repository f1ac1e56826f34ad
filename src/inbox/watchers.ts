/** Callers that wait for something to end, woken by its id; every wait is bounded and ends when its caller goes away. */

export interface Watchers {
  /** True while somebody waits for it. */
  has(id: string): boolean;
  wake(id: string): void;
  /** What `look` finds, asked at once and at every wake; undefined after `ms` or when the signal aborts. */
  wait<T>(id: string, ms: number, signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T | undefined>;
}

export function createWatchers(): Watchers {
  const waiting = new Map<string, Set<() => void>>();

  /** Armed before it is looked, so that a wake in between is not missed. */
  function arm(id: string, ms: number, signal: AbortSignal): { woken: Promise<void>; disarm: () => void } {
    let disarm = () => {};
    const woken = new Promise<void>((resolve) => {
      const set = waiting.get(id) ?? new Set();
      waiting.set(id, set);
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        set.delete(finish);
        if (set.size === 0) waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish, { once: true });
      set.add(finish);
      disarm = finish;
      if (signal.aborted) finish();
    });
    return { woken, disarm };
  }

  return {
    has: (id) => waiting.has(id),
    wake(id) {
      for (const finish of [...(waiting.get(id) ?? [])]) finish();
    },
    async wait(id, ms, signal, look) {
      const deadline = Date.now() + ms;
      for (;;) {
        const { woken, disarm } = arm(id, Math.max(0, deadline - Date.now()), signal);
        const found = await look().finally(() => {
          if (Date.now() >= deadline || signal.aborted) disarm();
        });
        if (found !== undefined || Date.now() >= deadline || signal.aborted) {
          disarm();
          return found;
        }
        await woken;
      }
    },
  };
}

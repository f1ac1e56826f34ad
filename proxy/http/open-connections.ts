/** The connections that are open. Each is looked at once a second, by one timer that rests while there is none. */

export interface OpenConnections<T> {
  /** Returns how it leaves. */
  join(connection: T): () => void;
  values(): Iterable<T>;
  count(): number;
  /** Looks no more. */
  stop(): void;
}

/** How often (ms) connections are looked at that take too long. */
const CHECK_MS = 1_000;

export function createOpenConnections<T extends { check(now: number): void }>(): OpenConnections<T> {
  const all = new Set<T>();
  let timer: NodeJS.Timeout | undefined;

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  function check(): void {
    const now = performance.now();
    for (const connection of all) connection.check(now);
    if (all.size === 0) stop();
  }

  return {
    join(connection) {
      all.add(connection);
      timer ??= setInterval(check, CHECK_MS).unref();
      return () => void all.delete(connection);
    },
    values: () => all.values(),
    count: () => all.size,
    stop,
  };
}

/** Work about one thing at a time: what is asked for meanwhile waits its turn. */

export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Runs the work of each key in the order it was asked for; work that fails does not hold up what follows. */
export function createInTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const next = (last.get(key) ?? Promise.resolve()).then(work, work);
    const settled = next.catch(() => undefined);
    last.set(key, settled);
    void settled.then(() => {
      if (last.get(key) === settled) last.delete(key);
    });
    return next;
  };
}

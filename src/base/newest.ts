/** Maps that keep what was put in last, and so stay small. */

/** Puts `value` in as the newest of `map`, and takes the oldest out when there are more than `most`. */
export function putNewest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

/** Time as a dependency, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** ISO 8601 text of a clock's present. */
export function isoNow(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}

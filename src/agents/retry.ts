/** When an agent that ended against its will starts again: backoff, attempts, and a brake against crash loops. Pure. */

/** Lives within this time (ms) that are enough to stop trying, whatever the reason. */
export const BRAKE_WINDOW_MS = 10 * 60_000;
const BRAKE_LIVES = 5;
/** A life this long (ms) was a good one: the attempts count from zero again. */
const GOOD_LIFE_MS = 10 * 60_000;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 5 * 60_000;

export function retryDelayMs(retryCount: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 4 ** retryCount);
}

export interface EndedLife {
  /** `lost`: its terminal vanished, as after a crash of tmux or of the machine. `crashed`: the program itself failed. */
  why: 'lost' | 'crashed';
  retryCount: number;
  maxRetries: number;
  lifeMs: number;
  /** Starts within BRAKE_WINDOW_MS. */
  recentStarts: number;
}

/** The next attempt; undefined when a person has to decide. What was lost is no fault of the agent and costs no attempt. */
export function nextTry(life: EndedLife): { delayMs: number; retryCount: number } | undefined {
  if (life.recentStarts >= BRAKE_LIVES || life.maxRetries === 0) return undefined;
  const retryCount = life.lifeMs >= GOOD_LIFE_MS ? 0 : life.retryCount;
  if (life.why === 'lost') return { delayMs: 0, retryCount };
  if (retryCount >= life.maxRetries) return undefined;
  return { delayMs: retryDelayMs(retryCount), retryCount: retryCount + 1 };
}

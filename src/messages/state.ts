/** When a message may be sent, and what becomes of it. Pure. */
import type { Message, MessageStatus } from './schema.ts';

/** Messages one agent may send in a minute; a broadcast counts once. */
export const MOST_A_MINUTE = 30;

export interface Chain {
  /** What the sender got last; undefined when nobody wrote to it. */
  received: Pick<Message, 'hops' | 'createdAt'> | undefined;
  /** When a person, or work that came back, last spoke to the sender. */
  toldAt: string | undefined;
  /** When the work of the sender last moved. */
  progressAt: string | undefined;
}

/** Hops of the next message of an agent: one more than what it answers, or none when something real happened since. */
export function hopsOf({ received, toldAt, progressAt }: Chain): number {
  if (!received) return 0;
  const isNews = [toldAt, progressAt].some((at) => at !== undefined && at > received.createdAt);
  return isNews ? 0 : received.hops + 1;
}

/** True when agents only talk: `limit` messages led to this one already. Zero is no limit. */
export const isLoop = (hops: number, limit: number): boolean => limit > 0 && hops >= limit;

/** What became of a message, by the prompt that carries it. */
export function statusOf(prompt: string | undefined, isRead: boolean): MessageStatus {
  if (prompt === 'acknowledged') return 'delivered';
  if (isRead) return 'read';
  if (prompt === undefined) return 'kept';
  return prompt === 'dead' ? 'lost' : 'queued';
}

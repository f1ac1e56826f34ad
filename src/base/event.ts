/** The event envelope of spec-v2 section 2.2 and the in-process bus that carries it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';

export const eventSchema = z.object({
  seq: z.number().int().describe('Position in the append-only log of this daemon'),
  id: z.string(),
  type: z.string().describe('noun:verb-past, for example bead:created'),
  timestamp: z.number().describe('Unix time in milliseconds'),
  source: z.object({ component: z.string(), instance: z.string().optional() }),
  payload: z.record(z.string(), z.unknown()),
  metadata: z.object({
    projectId: z.string().optional(),
    beadId: z.string().optional(),
    agentId: z.string().optional(),
    userId: z.string().optional(),
    correlationId: z.string().optional(),
    causationId: z.string().optional(),
  }),
});
export type GodelEvent = z.infer<typeof eventSchema>;

/** Payloads as they are written, once for the log and for all who hear of them. */
const written = new WeakMap<object, string>();

/** The payload of an event as JSON. It is not changed any more. */
export function payloadText({ payload }: Pick<GodelEvent, 'payload'>): string {
  const known = written.get(payload);
  if (known !== undefined) return known;
  const text = JSON.stringify(payload);
  written.set(payload, text);
  return text;
}

/** What a service records; the store adds seq, id and timestamp. */
export type EventDraft = Pick<GodelEvent, 'type' | 'payload' | 'metadata'> & { component: string };

/** Tells whether a type matches a pattern such as `bead:*`, `*` or `agent:start`; made once, asked for every event. */
export function typeMatcher(pattern: string): (type: string) => boolean {
  if (pattern === '*' || pattern === '**') return () => true;
  if (!pattern.includes('*')) return (type) => type === pattern;
  const source = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const whole = new RegExp(`^${source}$`);
  return (type) => whole.test(type);
}

export interface EventBus {
  /**
   * Tells everybody, in the order of the calls. A few events are told before this returns; many are told bit by bit, with
   * turns for everything else between them, and the promise resolves when all of them are.
   */
  publish(events: readonly GodelEvent[]): Promise<void>;
  /** Returns its own unsubscribe. A listener that throws never reaches the publisher. */
  subscribe(listener: (event: GodelEvent) => void): () => void;
}

/** Events that are told at once. */
const BIT = 100;

export function createEventBus(onListenerError: (error: unknown) => void): EventBus {
  const listeners = new Set<(event: GodelEvent) => void>();
  /** While there are more to tell: what ends with the last of them. */
  let telling: Promise<void> | undefined;

  function tell(events: readonly GodelEvent[]): void {
    for (const event of events) {
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          onListenerError(error);
        }
      }
    }
  }

  async function tellInBits(events: readonly GodelEvent[], before: Promise<void> | undefined): Promise<void> {
    await before;
    for (let start = 0; start < events.length; start += BIT) {
      if (start > 0) await nextTurn();
      tell(events.slice(start, start + BIT));
    }
  }

  return {
    async publish(events) {
      if (!telling && events.length <= BIT) return tell(events);
      const mine = tellInBits(events, telling);
      telling = mine;
      await mine;
      if (telling === mine) telling = undefined;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

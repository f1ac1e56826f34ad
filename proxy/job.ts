/** One request on its way through the proxy. */
import type { Parking } from '../src/costs/schema.ts';
import type { Answer } from './http/answer.ts';
import type { Request } from './http/connection.ts';
import type { Purse } from './keyring.ts';
import type { Subject as LimitSubject, Ticket } from './limits.ts';
import type { Refusal } from './refusal.ts';
import type { HeldAnswer } from './relay.ts';
import type { RequestOptions } from './request-options.ts';
import type { Candidate } from './routing.ts';
import type { Subject } from './settlement.ts';
import type { Exchange } from './wire/exchange.ts';

export interface Job extends Subject {
  purse: Purse;
  request: Request;
  response: Answer;
  body: Buffer;
  options: RequestOptions;
  candidates: readonly Candidate[];
  limits: readonly LimitSubject[];
  ticket: Ticket | undefined;
  /** Attempts that were made. */
  attempts: number;
  tried: string[];
  /** Targets that failed in a way that another try of theirs would not mend. */
  givenUp: Set<string>;
  waitedMs: number;
  /** The most that the last candidate which was looked at can cost. */
  need: { candidate: Candidate; nano: number | null } | undefined;
  /** The last answer that was kept back. */
  held: { exchange: Exchange; answer: HeldAnswer } | undefined;
}

/** A refusal, and the state of the agent it leads to. */
export interface Denial {
  refusal: Refusal;
  parking?: Parking;
}

export const denied = (refusal: Refusal, parking?: Parking): Denial =>
  parking === undefined ? { refusal } : { refusal, parking };

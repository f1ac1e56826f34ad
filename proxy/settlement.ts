/** What an attempt used and cost, as a row of the ledger. Pure. */
import { newId } from '../src/base/id.ts';
import type { LedgerEntry, Outcome, TokenUse, VirtualKey } from '../src/costs/schema.ts';
import { costOf, inputEstimate, noUse } from './cost.ts';
import type { RelayResult } from './relay.ts';
import type { Candidate } from './routing.ts';
import type { RequestFields } from './wire/fields.ts';
import type { Route } from './wire/routes.ts';

/** What every row of one request says. */
export interface Subject {
  requestId: string;
  key: VirtualKey;
  route: Route;
  fields: RequestFields;
  bodyBytes: number;
}

export interface Attempt {
  number: number;
  candidate: Candidate;
  keyId: string;
}

/** What of a row differs between an attempt and a refusal. */
type Result = Pick<
  LedgerEntry,
  | 'attempt'
  | 'provider'
  | 'providerKey'
  | 'model'
  | 'status'
  | 'outcome'
  | 'reason'
  | 'tokens'
  | 'costNano'
  | 'estimated'
  | 'latencyMs'
  | 'firstByteMs'
>;

let textOfMs = Number.NaN;
let timeText = '';

/** A moment as text; that of the last millisecond is not made again. */
function textOf(ms: number): string {
  if (ms !== textOfMs) {
    textOfMs = ms;
    timeText = new Date(ms).toISOString();
  }
  return timeText;
}

/** Every row has the same fields in the same order: what reads them many times a second is made for one form. */
function entryOf({ requestId, key, route, fields }: Subject, now: number, result: Result): LedgerEntry {
  return {
    id: newId(),
    requestId,
    at: textOf(now),
    agentId: key.agentId,
    agentName: key.agentName,
    projectId: key.projectId,
    beadId: key.beadId,
    convoyId: key.convoyId,
    teamId: key.teamId,
    userId: key.userId,
    tenantId: key.tenantId,
    keyName: key.name,
    asked: fields.model,
    dialect: route.wire,
    stream: fields.stream,
    attempt: result.attempt,
    provider: result.provider,
    providerKey: result.providerKey,
    model: result.model,
    status: result.status,
    outcome: result.outcome,
    reason: result.reason,
    tokens: result.tokens,
    costNano: result.costNano,
    estimated: result.estimated,
    latencyMs: result.latencyMs,
    firstByteMs: result.firstByteMs,
  };
}

/**
 * Tokens of an attempt. A cut or cancelled answer is paid for as far as it got: what was counted stands, events stand for
 * output where no count came, and the size of the request for its input.
 */
function tokensOf(subject: Subject, result: RelayResult): { tokens: TokenUse; estimated: boolean } {
  const { reading, status, outcome } = result;
  const begun = status >= 200 && status < 300;
  if (!subject.route.metered || !begun) return { tokens: noUse(), estimated: false };
  const tokens = reading?.tokens ?? noUse();
  if (outcome === 'ok' && reading?.exact) return { tokens, estimated: false };
  tokens.output = Math.max(tokens.output, reading?.events ?? 0);
  if (!reading?.exact) tokens.input = Math.max(tokens.input, Math.ceil(subject.bodyBytes / 4));
  return { tokens, estimated: true };
}

/** The row of an attempt at a provider. */
export function attemptEntry(
  subject: Subject,
  attempt: Attempt,
  result: RelayResult,
  now: number,
  reason: string | undefined,
): LedgerEntry {
  const { tokens, estimated } = tokensOf(subject, result);
  const { candidate } = attempt;
  const begun = result.status >= 200 && result.status < 300;
  return entryOf(subject, now, {
    attempt: attempt.number,
    provider: candidate.provider.id,
    providerKey: attempt.keyId === '' ? undefined : attempt.keyId,
    model: candidate.model,
    status: result.status,
    outcome: result.outcome,
    reason,
    tokens,
    costNano: subject.route.metered && begun ? costOf(candidate.price, tokens) : 0,
    estimated,
    latencyMs: Math.round(result.latencyMs),
    firstByteMs: result.firstByteMs === null ? null : Math.round(result.firstByteMs),
  });
}

/** The row of a request that was refused before any attempt. */
export function refusedEntry(subject: Subject, status: number, reason: string, now: number): LedgerEntry {
  const outcome: Outcome = 'refused';
  return entryOf(subject, now, {
    attempt: 0,
    provider: '',
    providerKey: undefined,
    model: subject.fields.model,
    status,
    outcome,
    reason,
    tokens: noUse(),
    costNano: 0,
    estimated: false,
    latencyMs: 0,
    firstByteMs: null,
  });
}

/** Tokens that limits count: what the provider read and wrote. */
export const estimatedTokens = (bodyBytes: number, maxTokens: number | undefined, candidate: Candidate | undefined) =>
  inputEstimate(bodyBytes) + (maxTokens ?? candidate?.price?.maxTokens ?? 0);

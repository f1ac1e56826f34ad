/**
 * Tries the targets of a request one after the other until one answers. Nothing is tried again once a byte has gone to the
 * client; what a provider asks for (Retry-After) is kept to; every attempt is settled and has a row of its own.
 */
import type { ProviderKey } from '../src/costs/schema.ts';
import type { Accounts } from './accounts.ts';
import type { Admission } from './admission.ts';
import { ownHeaders } from './answer-headers.ts';
import { sumOf } from './cost.ts';
import { providerHeaders } from './headers.ts';
import { type Availability, type Health, judge, type Target, type Verdict } from './health.ts';
import { type Fields, recordOf } from './http/fields.ts';
import { type Denial, denied, type Job } from './job.ts';
import type { ActivityChange } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import type { Limiter } from './limits.ts';
import type { Pools } from './pools.ts';
import type { Recorder } from './recording/recorder.ts';
import { type Refusal, refusals } from './refusal.ts';
import { type HeldAnswer, type RelayResult, relay, sendHeld } from './relay.ts';
import type { Seat } from './roster.ts';
import { type Candidate, nameOf, type Rules, weighted } from './routing.ts';
import { attemptEntry } from './settlement.ts';
import type { Stickiness } from './stickiness.ts';
import { type Exchange, exchange } from './wire/exchange.ts';
import { WireError } from './wire/neutral.ts';

export interface AttemptsOptions {
  accounts: Accounts;
  admission: Admission;
  ledger: Ledger;
  limiter: Limiter;
  health: Health;
  sticky: Stickiness;
  pools: Pools;
  recorder: Recorder;
  rules: () => Rules;
  now: () => number;
  /** A request is refused for good: the client has to be told. */
  refuse: (job: Job, denial: Denial) => void;
  /** Does a part of the work; a fault of Godel's own in it ends this request alone. */
  guard: (job: Job, work: () => void) => void;
  /** Something of the agent's traffic changed. */
  changed: (job: Job, change: ActivityChange) => void;
}

interface Choice {
  candidate: Candidate;
  key: ProviderKey | undefined;
  target: Target;
}

/** A provider without a key is one account all the same. */
const NO_KEY = '';
/** A target that could not be reached is tried a second time after this pause (ms), when there is no other. */
const AGAIN_MS = 150;

export function createAttempts(options: AttemptsOptions): { start(job: Job): void } {
  const { accounts, admission, health, sticky, now } = options;

  /** The targets of a candidate, the key that this agent used before first: caches belong to accounts. */
  function targetsOf(job: Job, candidate: Candidate): Target[] {
    const { provider, model } = candidate;
    const [only] = provider.keys;
    if (provider.keys.length < 2) return [{ provider: provider.id, model, keyId: only?.id ?? NO_KEY }];
    const who = job.purse.key.agentId ?? job.purse.key.hash;
    const keys = weighted(provider.keys, (key) => key.id, [], `${who} ${provider.id}`);
    return keys.map((key) => ({ provider: provider.id, model, keyId: key.id }));
  }

  const idOf = (target: Target) => `${target.provider}/${target.model} ${target.keyId}`;

  /** The first target that can be asked now; else when the first of them can be. */
  function choose(job: Job): Choice | { blocked: Availability[] } {
    const blocked: Availability[] = [];
    for (const candidate of job.candidates) {
      for (const target of targetsOf(job, candidate)) {
        if (job.givenUp.size > 0 && job.givenUp.has(idOf(target))) continue;
        const availability = health.available(target);
        if (availability.ok) {
          const key = candidate.provider.keys.find((each) => each.id === target.keyId);
          return { candidate, key, target };
        }
        blocked.push(availability);
      }
    }
    return { blocked };
  }

  /** Goes on after a pause, unless the client goes or its key is revoked. */
  function wait(job: Job, ms: number): void {
    const { response, purse } = job;
    job.waitedMs += ms;
    const stop = () => {
      clearTimeout(timer);
      response.off('close', gone);
      purse.revocations.leave(seat);
    };
    const resume = () => {
      stop();
      options.guard(job, () => next(job));
    };
    const gone = () => {
      stop();
      settleRequest(job);
    };
    const timer = setTimeout(resume, ms);
    response.once('close', gone);
    // A request of a revoked key is refused when it goes on.
    const seat = purse.revocations.join(resume);
  }

  function settleRequest(job: Job, usedTokens = 0): void {
    job.ticket?.settle(usedTokens);
    job.ticket = undefined;
  }

  function giveUp(job: Job, denial: Denial): void {
    settleRequest(job);
    options.refuse(job, denial);
  }

  /** Everything was tried or cools down. */
  function exhausted(job: Job, blocked: readonly Availability[]): void {
    const soonest = blocked.toSorted((a, b) => a.until - b.until)[0];
    const waitMs = soonest ? Math.max(1, soonest.until - now()) : 0;
    const { policy } = options.rules();
    const canWait = soonest && !soonest.lasting && job.attempts < policy.attempts;
    if (canWait && job.waitedMs + waitMs <= policy.waitMs) return wait(job, waitMs);
    if (soonest) return giveUp(job, blockedDenial(job, soonest, waitMs));
    const { held } = job;
    if (!held) return giveUp(job, denied(refusals.upstreamDown('no target of this model answers')));
    settleRequest(job);
    answerHeld(job, held.exchange, held.answer);
    options.changed(job, {});
  }

  function blockedDenial(job: Job, soonest: Availability, waitMs: number): Denial {
    const until = new Date(soonest.until).toISOString();
    const name = [...new Set(job.candidates.map((each) => each.provider.id))].join(', ');
    const reason = `${name}: ${soonest.reason}`;
    const parking = { kind: 'provider', reason, until } as const;
    if (soonest.reason === 'its key is refused') return denied(refusals.providerKeyRefused(name), parking);
    if (soonest.lasting) return denied(refusals.final(`No provider can serve this now (${reason}).`), parking);
    return denied(refusals.limited(`Every target is busy (${reason}) until ${until}.`, waitMs), parking);
  }

  function fieldsOf(job: Job, choice?: Choice, dropped: readonly string[] = []): Fields {
    const by = choice && {
      provider: choice.target.provider,
      model: choice.target.model,
      attempt: job.attempts,
      dropped,
    };
    return ownHeaders(job, options.limiter.allowances(job.limits), now(), by);
  }

  function next(job: Job): void {
    if (job.response.destroyed) return settleRequest(job);
    if (job.purse.revoked) return giveUp(job, denied(refusals.revoked()));
    const choice = choose(job);
    if ('blocked' in choice) return exhausted(job, choice.blocked);
    if (job.attempts >= options.rules().policy.attempts) return exhausted(job, []);
    const made = exchangeFor(job, choice.candidate);
    if (made instanceof WireError) return passOver(job, choice.candidate, denied(refusals.badRequest(made.message)));
    if (made.reply) return answerHere(job, made.reply, choice);
    const reserved = admission.reserve(job, choice.candidate);
    if (typeof reserved === 'number') send(job, choice, made, reserved);
    else passOver(job, choice.candidate, reserved);
  }

  /** The request in the dialect of a candidate, or why it cannot be said there. */
  function exchangeFor(job: Job, { provider, model, price }: Candidate): Exchange | WireError {
    try {
      return exchange({
        route: job.route,
        fields: job.fields,
        body: job.body,
        provider,
        model,
        maxOutput: price?.maxTokens,
      });
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }

  /** A candidate that cannot serve this request; another one (cheaper, or of another dialect) may. */
  function passOver(job: Job, candidate: Candidate, denial: Denial): void {
    for (const target of targetsOf(job, candidate)) job.givenUp.add(idOf(target));
    if (hasOther(job)) next(job);
    else giveUp(job, denial);
  }

  function answerHere(job: Job, reply: Buffer, choice: Choice): void {
    settleRequest(job);
    job.response.writeHead(200, [...fieldsOf(job, choice), 'content-type', 'application/json']).end(reply);
  }

  function send(job: Job, choice: Choice, made: Exchange, reservedNano: number): void {
    const { purse, response } = job;
    const { provider } = choice.candidate;
    const { client, prefix } = options.pools.of(provider);
    job.attempts += 1;
    purse.traffic.inFlight += 1;
    health.begin(choice.target);
    options.changed(job, {});
    const recording = options.recorder.begin(job);
    let seat: Seat<() => void> | undefined;
    relay({
      client,
      path: prefix + made.path,
      exchange: made,
      fields: providerHeaders(job.request.fields, { provider, apiKey: choice.key?.value, exchange: made }),
      response,
      answerFields: fieldsOf(job, choice, made.dropped),
      hold: ({ status }) => status >= 400,
      watch: recording?.watch,
      onStart: (stop) => {
        seat = purse.revocations.join(() => stop(refusals.revoked()));
      },
      whenSafe: (then) => whenSafe(job, then),
      onSettled: (result) =>
        options.guard(job, () => {
          if (seat) purse.revocations.leave(seat);
          if (result.answered && recording) {
            const { provider: name, model } = choice.target;
            const { status, outcome } = result;
            const save = () => recording.save({ provider: name, model, status, outcome });
            if (response.destroyed) save();
            else response.once('close', save);
          }
          settle(job, choice, made, reservedNano, result);
        }),
    });
  }

  /** Goes on when every row of this request is where no crash takes it. */
  const whenSafe = (job: Job, then: () => void) => options.ledger.written(() => options.guard(job, then));

  function answerHeld(job: Job, made: Exchange, answer: HeldAnswer, choice?: Choice): void {
    whenSafe(job, () => sendHeld(job.response, made, answer, fieldsOf(job, choice)));
  }

  function verdictOf(result: RelayResult): Verdict {
    const { held, outcome } = result;
    if (held)
      return judge(
        { status: held.status, headers: recordOf(held.fields), text: held.body.toString('utf8', 0, 4_096) },
        now(),
      );
    if (outcome === 'ok') return { kind: 'ok' };
    return outcome === 'cut' || outcome === 'failed' ? { kind: 'unreachable' } : { kind: 'client' };
  }

  /** Books an attempt. */
  function settle(job: Job, choice: Choice, made: Exchange, reservedNano: number, result: RelayResult): void {
    const verdict = verdictOf(result);
    const reason = result.problem?.message ?? (verdict.kind === 'ok' ? undefined : reasonOf(result, verdict));
    const attempt = { number: job.attempts, candidate: choice.candidate, keyId: choice.target.keyId };
    const entry = attemptEntry(job, attempt, result, now(), reason);
    accounts.release(job.purse.accounts, reservedNano);
    accounts.book(job.purse.accounts, entry.costNano ?? 0);
    job.purse.traffic.inFlight -= 1;
    health.report(choice.target, verdict, result.firstByteMs);
    options.ledger.add(entry);
    const done = result.answered && !result.held;
    if (done) settleRequest(job, sumOf(entry.tokens));
    const stopReason = result.reading?.stopReason;
    options.changed(job, { outcome: result.outcome, costNano: entry.costNano, stopReason });
    if (!done) afterFailure(job, choice, made, result, verdict);
    else if (verdict.kind === 'ok') sticky.note(job, choice.candidate);
  }

  /** The client has got nothing yet: another target, another time, or the answer that was kept back. */
  function afterFailure(job: Job, choice: Choice, made: Exchange, result: RelayResult, verdict: Verdict): void {
    job.tried.push(`${nameOf(choice.candidate)}=${result.held?.status ?? 'unreachable'}`);
    if (result.held) job.held = { exchange: made, answer: result.held };
    if (verdict.kind === 'client') {
      settleRequest(job);
      if (result.held) answerHeld(job, made, result.held, choice);
      return;
    }
    // What cools down is left alone by its health; what failed is not asked twice in one request but when alone.
    const again = verdict.kind === 'unreachable' && job.candidates.length === 1 && job.attempts === 1;
    if (again && !/timeout/i.test(result.problem?.message ?? '')) return wait(job, AGAIN_MS);
    if (verdict.kind === 'server' || verdict.kind === 'unreachable') job.givenUp.add(idOf(choice.target));
    if (verdict.kind === 'unreachable' && !hasOther(job)) return giveUp(job, denied(problemOf(result)));
    next(job);
  }

  const hasOther = (job: Job) => !('blocked' in choose(job));
  const problemOf = (result: RelayResult): Refusal => result.problem ?? refusals.internal();

  return {
    start(job) {
      job.candidates = sticky.order(job, job.candidates);
      next(job);
    },
  };
}

function reasonOf(result: RelayResult, verdict: Verdict): string | undefined {
  if (result.held) return `${result.held.status} ${verdict.kind}`;
  return result.outcome === 'ok' ? undefined : result.outcome;
}

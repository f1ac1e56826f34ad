/** Everything that can be refused before a provider is asked: the key, the model, the limits, the budgets. */
import type { BudgetState, LimitSet, Limits, VirtualKey } from '../src/costs/schema.ts';
import type { Accounts } from './accounts.ts';
import { reservationOf } from './cost.ts';
import { type Denial, denied, type Job } from './job.ts';
import type { Purse } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import type { Limiter, Subject as LimitSubject } from './limits.ts';
import { refusals } from './refusal.ts';
import { type Candidate, candidatesFor, isModelAllowed, type Rules } from './routing.ts';
import { estimatedTokens } from './settlement.ts';
import { needsOf } from './wire/fields.ts';

export interface AdmissionOptions {
  ledger: Ledger;
  accounts: Accounts;
  limiter: Limiter;
  rules: () => Rules;
  now: () => number;
}

export interface Admission {
  /** Fills in the targets and takes what the limits allow. */
  admit(job: Job): Denial | undefined;
  /** Reserves the money for one attempt: how much, or why not. */
  reserve(job: Job, candidate: Candidate): number | Denial;
  limitsOf(purse: Purse): LimitSubject[];
}

const NANO = 1_000_000_000;
const LEDGER_RETRY_MS = 5_000;
const usd = (nano: number) => `$${(nano / NANO).toFixed(4)}`;

const PERIOD_WORDS = { total: '', day: ' of today', month: ' of this month' } as const;

function budgetDenial(budget: BudgetState, needNano: number): Denial {
  const { scope, label, spentNano, limitNano, reservedNano, period } = budget;
  const name = scope === 'home' ? 'everything' : `${scope} ${label}`;
  const open = reservedNano > 0 ? `, ${usd(reservedNano)} is held for requests in flight` : '';
  const message = `The budget${PERIOD_WORDS[period]} for ${name} does not hold this request: ${usd(spentNano)} of ${usd(limitNano)} is spent${open}, and it may cost up to ${usd(needNano)}.`;
  // A request that only waits for others to settle is no reason to park the agent.
  if (spentNano + needNano <= limitNano) return denied(refusals.limited(message, 1_000));
  const reason = `budget${PERIOD_WORDS[period]} for ${name} is spent: ${usd(spentNano)} of ${usd(limitNano)}`;
  const { subject, resetsAt } = budget;
  const parking = { kind: 'budget', reason, budget: { scope, subject, period } } as const;
  return denied(refusals.budget(message), { ...parking, ...(resetsAt === null ? {} : { until: resetsAt }) });
}

const made = new WeakMap<LimitSet, { all: LimitSet; both: LimitSet }>();

/** Of two sets of limits the smaller of each. The same sets give the same object: a new one counts as new limits. */
function tighter(all: LimitSet, own: LimitSet | undefined): LimitSet {
  if (!own || Object.keys(own).length === 0) return all;
  const known = made.get(own);
  if (known?.all === all) return known.both;
  const names = Object.keys({ ...all, ...own }) as (keyof LimitSet)[];
  const least = (name: keyof LimitSet) => Math.min(...[all[name], own[name]].filter((each) => each !== undefined));
  const both: LimitSet = Object.fromEntries(names.map((name) => [name, least(name)]));
  made.set(own, { all, both });
  return both;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { ledger, accounts, limiter, now } = options;

  function subject(kind: keyof Limits, limits: LimitSet, id: string, name: string, run?: string): LimitSubject {
    return {
      key: `${kind}:${id}`,
      name,
      limits,
      ...(run === undefined ? {} : { run }),
      usedLately: (windowMs) => ledger.usedSince(kind, id, new Date(now() - windowMs).toISOString()),
      callsOfRun: () => (run === undefined ? 0 : ledger.usedSince(kind, id, run).requests),
    };
  }

  function subjectsOf(key: VirtualKey, limits: Limits): LimitSubject[] {
    const subjects: LimitSubject[] = [];
    if (key.agentId !== undefined) {
      const name = `Agent ${key.agentName ?? key.agentId}`;
      subjects.push(subject('agent', tighter(limits.agent, key.limits), key.agentId, name, key.createdAt));
    }
    if (key.userId !== undefined) subjects.push(subject('user', limits.user, key.userId, `User ${key.userId}`));
    if (key.projectId !== '') subjects.push(subject('project', limits.project, key.projectId, 'This project'));
    return subjects.filter((each) => Object.keys(each.limits).length > 0);
  }

  /** Made once for a key and its limits; both are replaced, never changed. */
  const known = new WeakMap<VirtualKey, { limits: Limits; subjects: LimitSubject[] }>();

  function limitsOf({ key }: Purse): LimitSubject[] {
    const { limits } = options.rules().policy;
    const last = known.get(key);
    if (last?.limits === limits) return last.subjects;
    const subjects = subjectsOf(key, limits);
    known.set(key, { limits, subjects });
    return subjects;
  }

  function route(job: Job): Denial | undefined {
    const { fields, purse } = job;
    const who = purse.key.agentId ?? purse.key.hash;
    const all = candidatesFor(options.rules(), {
      model: fields.model,
      route: job.route,
      needs: needsOf(job.fields, job.body),
      // Of the careful estimate that money uses, more than a third is air: a request that fits must not be turned away.
      inputTokens: Math.ceil(job.bodyBytes / 4),
      who,
      fallback: job.options.fallback,
    });
    if (all.length === 0) return denied(refusals.noModel(fields.model));
    const { models } = purse.key;
    job.candidates = models ? all.filter((each) => isModelAllowed(models, fields.model, each)) : all;
    if (job.candidates.length === 0) return denied(refusals.modelNotAllowed(fields.model));
    return undefined;
  }

  function needOf(job: Job, candidate: Candidate): number | null {
    if (!job.route.metered) return 0;
    if (job.need?.candidate === candidate) return job.need.nano;
    const nano = reservationOf(candidate.price, {
      bodyBytes: job.bodyBytes,
      maxTokens: job.fields.maxTokens,
      longCache: () => job.body.includes('"1h"'),
    });
    job.need = { candidate, nano };
    return nano;
  }

  function limit(job: Job): Denial | undefined {
    const [candidate] = job.candidates;
    const refusal = limiter.admit({
      subjects: job.limits,
      tokens: estimatedTokens(job.bodyBytes, job.fields.maxTokens, candidate),
      costNano: candidate ? needOf(job, candidate) : null,
    });
    if ('settle' in refusal) {
      job.ticket = refusal;
      return undefined;
    }
    if (refusal.retryAfterMs === undefined) {
      const parking = { kind: refusal.kind === 'calls' ? 'calls' : 'limit', reason: refusal.message } as const;
      return denied(refusals.final(refusal.message), parking);
    }
    const until = new Date(now() + refusal.retryAfterMs).toISOString();
    const parking = { kind: 'limit', reason: refusal.message, until } as const;
    const answer = refusals.limited(refusal.message, refusal.retryAfterMs);
    return refusal.kind === 'concurrent' ? denied(answer) : denied(answer, parking);
  }

  return {
    limitsOf,
    admit(job) {
      const { expiresAt } = job.purse.key;
      if (expiresAt !== undefined && Date.parse(expiresAt) <= now()) return denied(refusals.expired());
      const lost = route(job);
      if (lost || !job.route.metered) return lost;
      if (!ledger.writable()) return denied(refusals.ledgerBroken(LEDGER_RETRY_MS));
      const spent = accounts.spent(job.purse.accounts);
      if (spent) return budgetDenial(spent, 1);
      return limit(job);
    },
    reserve(job, candidate) {
      const need = needOf(job, candidate);
      const { purse, options: wanted, fields } = job;
      if (need === null) {
        if (options.rules().policy.unpriced === 'refuse') return denied(refusals.unpriced(fields.model));
        // What cannot be priced cannot be held to a budget, and is not let past one.
        if (wanted.costLimitNano !== undefined || accounts.hasBudget(purse.accounts))
          return denied(
            refusals.budget(`The model "${fields.model}" has no known price, and a budget applies to this request.`),
          );
        return 0;
      }
      if (wanted.costLimitNano !== undefined && need > wanted.costLimitNano)
        return denied(
          refusals.final(`It may cost up to ${usd(need)}; the request allows ${usd(wanted.costLimitNano)}.`),
        );
      const full = accounts.reserve(purse.accounts, need);
      return full ? budgetDenial(full, need) : need;
    },
  };
}

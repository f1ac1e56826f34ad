/**
 * What is known of the health of providers: a circuit breaker for every provider and model, and a time to cool down for
 * every key (of one model, or of all). What an answer means is decided by a pure function.
 */
import type { Provider, ProviderState } from '../src/costs/schema.ts';

export type Verdict =
  | { kind: 'ok' }
  /** The request itself is refused: no other provider would take it. */
  | { kind: 'client' }
  | { kind: 'rate-limited' | 'overloaded'; coolMs: number }
  /** The account is out of money: trying again does not help for long. */
  | { kind: 'credit'; coolMs: number }
  | { kind: 'auth'; coolMs: number }
  | { kind: 'server' | 'unreachable' };

export interface AnswerHead {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Beginning of the body, when it is an error. */
  text?: string | undefined;
}

const CREDIT_MS = 30 * 60_000;
const AUTH_MS = 10 * 60_000;
const RATE_MS = 10_000;
const OVERLOAD_MS = 3_000;
const MAX_COOL_MS = 6 * 3_600_000;

const first = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

/** The time (ms) an answer asks to wait; undefined when it does not say. */
export function retryAfterOf(headers: AnswerHead['headers'], nowMs: number): number | undefined {
  const exact = Number(first(headers['retry-after-ms']));
  if (Number.isFinite(exact) && exact >= 0 && headers['retry-after-ms'] !== undefined) return exact;
  const text = first(headers['retry-after']);
  if (text === undefined || text.trim() === '') return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const OUT_OF_CREDIT =
  /insufficient_quota|credit balance is too low|billing_hard_limit|exceeded your current quota|out of credits?|insufficient[ _]balance|insufficient[ _]credits?/i;

/** What an answer says about its provider. Pure. */
export function judge(head: AnswerHead, nowMs: number): Verdict {
  const { status, text = '' } = head;
  if (status < 400) return { kind: 'ok' };
  const asked = retryAfterOf(head.headers, nowMs);
  const cool = (standard: number) => Math.min(MAX_COOL_MS, asked ?? standard);
  if (status === 402 || ([400, 403, 429].includes(status) && OUT_OF_CREDIT.test(text)))
    return { kind: 'credit', coolMs: Math.max(CREDIT_MS, asked ?? 0) };
  if (status === 429) return { kind: 'rate-limited', coolMs: cool(RATE_MS) };
  if (status === 529 || status === 503) return { kind: 'overloaded', coolMs: cool(OVERLOAD_MS) };
  if (status === 401 || status === 403) return { kind: 'auth', coolMs: AUTH_MS };
  return { kind: status >= 500 ? 'server' : 'client' };
}

interface Circuit {
  model: string;
  failures: number;
  /** Open until then (ms); 0 when it is closed. */
  openUntil: number;
  openMs: number;
  /** A trial request is under way. */
  trial: boolean;
  reason: string | undefined;
  latencyMs: number | null;
}

interface Cooling {
  until: number;
  reason: string;
}

export interface Target {
  provider: string;
  model: string;
  keyId: string;
}

export interface Availability {
  ok: boolean;
  /** When it may be tried again (ms since the epoch). */
  until: number;
  reason: string;
  /** True when waiting cannot help soon: no money, no valid key. */
  lasting: boolean;
}

export interface HealthOptions {
  now: () => number;
  /** Failures in a row that open a circuit. */
  failures?: number;
}

export interface Health {
  available(target: Target): Availability;
  /** Notes that a request is sent; a half-open circuit lets one through. */
  begin(target: Target): void;
  report(target: Target, verdict: Verdict, firstByteMs?: number | null): void;
  /** Mean time (ms) to the first byte; null when it is not known. */
  latency(provider: string, model: string): number | null;
  state(providers: readonly Provider[]): ProviderState[];
  /** Forgets that a provider's keys cool down and its circuits are open. */
  reset(provider: string): void;
}

const OPEN_MS = 5_000;
const MAX_OPEN_MS = 5 * 60_000;
const FAILURES = 3;
/** Weight of a new latency in the moving mean. */
const WEIGHT = 0.2;
const ALL_MODELS = '*';
const AVAILABLE: Availability = { ok: true, until: 0, reason: '', lasting: false };

const REASONS: Readonly<Record<Exclude<Verdict['kind'], 'ok' | 'client'>, string>> = {
  'rate-limited': 'rate-limited',
  overloaded: 'overloaded',
  credit: 'out of credit',
  auth: 'its key is refused',
  server: 'it fails',
  unreachable: 'it cannot be reached',
};

export function createHealth(options: HealthOptions): Health {
  const { now, failures: most = FAILURES } = options;
  /** By provider, then by model: to put the two names together for every look would cost more than the look. */
  const circuits = new Map<string, Map<string, Circuit>>();
  const cooling = new Map<string, Cooling>();
  const coolKey = (provider: string, keyId: string, model: string) => `${provider} ${keyId} ${model}`;

  function circuitOf(provider: string, model: string): Circuit {
    let own = circuits.get(provider);
    const known = own?.get(model);
    if (known) return known;
    const made: Circuit = {
      model,
      failures: 0,
      openUntil: 0,
      openMs: OPEN_MS,
      trial: false,
      reason: undefined,
      latencyMs: null,
    };
    if (!own) {
      own = new Map();
      circuits.set(provider, own);
    }
    own.set(model, made);
    return made;
  }

  function coolingOf(target: Target): Cooling | undefined {
    if (cooling.size === 0) return undefined;
    for (const model of [ALL_MODELS, target.model]) {
      const id = coolKey(target.provider, target.keyId, model);
      const found = cooling.get(id);
      if (found && found.until > now()) return found;
      cooling.delete(id);
    }
    return undefined;
  }

  function fail(circuit: Circuit, reason: string): void {
    circuit.failures += 1;
    circuit.reason = reason;
    const wasTrial = circuit.trial;
    circuit.trial = false;
    if (circuit.failures < most && !wasTrial) return;
    if (wasTrial) circuit.openMs = Math.min(MAX_OPEN_MS, circuit.openMs * 2);
    circuit.openUntil = now() + circuit.openMs;
  }

  function succeed(circuit: Circuit, firstByteMs: number | null): void {
    circuit.failures = 0;
    circuit.openUntil = 0;
    circuit.openMs = OPEN_MS;
    circuit.trial = false;
    circuit.reason = undefined;
    if (firstByteMs === null) return;
    const { latencyMs } = circuit;
    circuit.latencyMs = latencyMs === null ? firstByteMs : latencyMs * (1 - WEIGHT) + firstByteMs * WEIGHT;
  }

  const stateOf = (circuit: Circuit) =>
    circuit.openUntil === 0 ? 'closed' : circuit.openUntil > now() ? 'open' : 'half-open';

  return {
    available(target) {
      const cool = coolingOf(target);
      if (cool) {
        const lasting = cool.reason === REASONS.credit || cool.reason === REASONS.auth;
        return { ok: false, until: cool.until, reason: cool.reason, lasting };
      }
      const circuit = circuitOf(target.provider, target.model);
      const state = stateOf(circuit);
      if (state === 'closed' || (state === 'half-open' && !circuit.trial)) return AVAILABLE;
      const until = state === 'open' ? circuit.openUntil : now() + OPEN_MS;
      return { ok: false, until, reason: circuit.reason ?? REASONS.server, lasting: false };
    },
    begin(target) {
      const circuit = circuitOf(target.provider, target.model);
      if (stateOf(circuit) === 'half-open') circuit.trial = true;
    },
    report(target, verdict, firstByteMs = null) {
      const circuit = circuitOf(target.provider, target.model);
      if (verdict.kind === 'ok') return succeed(circuit, firstByteMs);
      if (verdict.kind === 'client') {
        circuit.trial = false;
        return;
      }
      const reason = REASONS[verdict.kind];
      if ('coolMs' in verdict) {
        const model = verdict.kind === 'credit' || verdict.kind === 'auth' ? ALL_MODELS : target.model;
        cooling.set(coolKey(target.provider, target.keyId, model), { until: now() + verdict.coolMs, reason });
        circuit.trial = false;
        if (verdict.kind !== 'overloaded') return;
      }
      fail(circuit, reason);
    },
    latency: (provider, model) => circuits.get(provider)?.get(model)?.latencyMs ?? null,
    state: (providers) => providers.map((provider) => stateOfProvider(provider)),
    reset(provider) {
      for (const id of [...cooling.keys()]) if (id.startsWith(`${provider} `)) cooling.delete(id);
      for (const circuit of circuits.get(provider)?.values() ?? []) succeed(circuit, null);
    },
  };

  function stateOfProvider(provider: Provider): ProviderState {
    const keys = provider.keys.map(({ id }) => {
      const found = [...cooling].filter(
        ([name, { until }]) => name.startsWith(`${provider.id} ${id} `) && until > now(),
      );
      const longest = found.map(([, each]) => each).sort((a, b) => b.until - a.until)[0];
      return {
        id,
        ...(longest ? { coolingUntil: new Date(longest.until).toISOString(), reason: longest.reason } : {}),
      };
    });
    const targets = [...(circuits.get(provider.id)?.values() ?? [])].map((circuit) => ({
      model: circuit.model,
      state: stateOf(circuit) as 'closed' | 'half-open' | 'open',
      failures: circuit.failures,
      ...(circuit.openUntil > now() ? { until: new Date(circuit.openUntil).toISOString() } : {}),
      ...(circuit.reason === undefined ? {} : { reason: circuit.reason }),
      latencyMs: circuit.latencyMs === null ? null : Math.round(circuit.latencyMs),
    }));
    const cold = keys.filter((key) => key.coolingUntil !== undefined).length;
    const open = targets.filter((target) => target.state === 'open').length;
    const isDown = (keys.length > 0 && cold === keys.length) || (targets.length > 0 && open === targets.length);
    const state = isDown ? 'down' : cold + open > 0 ? 'degraded' : 'ok';
    return {
      id: provider.id,
      dialect: provider.dialect,
      baseUrl: provider.baseUrl,
      models: provider.models,
      state,
      keys,
      targets,
    };
  }
}

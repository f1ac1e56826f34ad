/** Real probes of everything the daemon depends on (US-004). */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import type { Health } from '../system/schema.ts';

export interface Probe {
  /** Resolves with a remark, or rejects; `degraded` marks a part the daemon can live without for a while. */
  check: () => Promise<string | undefined>;
  degraded?: boolean;
  /** True when requests cannot be served without it. */
  ready?: boolean;
}

export interface HealthChecks {
  live(): Promise<Health>;
  ready(): Promise<Health>;
  full(): Promise<Health>;
}

const PROBE_TIMEOUT_MS = 3_000;

function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PROBE_TIMEOUT_MS} ms`)), PROBE_TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export function createHealth(probes: Readonly<Record<string, Probe>>, clock: Clock): HealthChecks {
  async function one(probe: Probe): Promise<Health['checks'][string]> {
    const started = performance.now();
    try {
      const detail = await withTimeout(probe.check());
      const base = { status: 'healthy' as const, latencyMs: Math.round(performance.now() - started) };
      return detail === undefined ? base : { ...base, detail };
    } catch (error) {
      const status = probe.degraded ? ('degraded' as const) : ('unhealthy' as const);
      return { status, latencyMs: Math.round(performance.now() - started), detail: messageOf(error) };
    }
  }

  async function run(chosen: [string, Probe][]): Promise<Health> {
    const results = await Promise.all(chosen.map(async ([name, probe]) => [name, await one(probe)] as const));
    const worst = (['unhealthy', 'degraded'] as const).find((status) =>
      results.some(([, check]) => check.status === status),
    );
    return {
      status: worst ?? 'healthy',
      checks: Object.fromEntries(results),
      timestamp: new Date(clock.now()).toISOString(),
    };
  }

  const entries = Object.entries(probes);
  return {
    live: () => run([]),
    ready: () => run(entries.filter(([, probe]) => probe.ready)),
    full: () => run(entries),
  };
}

/** Load on one target of the proxy benchmark, and what it cost: requests, events, latencies, processor time, memory. */
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import type { Target } from './proxy-targets.ts';

export interface Case {
  name: string;
  clients: number;
  path: string;
  body: Buffer;
  stream: boolean;
  ms: number;
  /** Takes the ids that the proxy gave its answers. */
  ids?: Set<string>;
}

export interface Measured {
  requests: number;
  perSecond: number;
  /** Events of streams a second. */
  eventsPerSecond: number;
  p50: number;
  p99: number;
  firstByte: number;
  /** Delay (ms) of events that carry their time. */
  delayP50: number;
  delayP99: number;
  cpuPerRequest: number;
  cpuPerEvent: number;
  failed: number;
  /** Why they failed: a status with the beginning of its body, or an error of the connection; how often. */
  reasons: Record<string, number>;
}

/** Of the body of a failure, so much (bytes) is told. */
const MOST_OF_PROBLEM = 160;
/** What of it is a number. */
export type Figure = Exclude<keyof Measured, 'reasons'>;

const TICKS_PER_SECOND = 100;

function cpuMicroseconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks * 1e6) / TICKS_PER_SECOND;
}

export function rssMiB(pids: readonly number[]): number {
  const kib = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0));
  return kib.reduce((sum, each) => sum + each, 0) / 1024;
}

export const share = (values: number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
};

interface One {
  /** Why it failed. */
  problem: string | undefined;
  ms: number;
  firstByteMs: number;
  events: number;
}

const EVENT = Buffer.from('\n\n');

function countEvents(chunk: Buffer): number {
  let found = 0;
  for (let at = chunk.indexOf(EVENT); at >= 0; at = chunk.indexOf(EVENT, at + 2)) found += 1;
  return found;
}

function noteDelays(chunk: Buffer, into: number[]): void {
  const now = process.hrtime.bigint();
  for (const [, time] of chunk.toString('latin1').matchAll(/@(\d+)@/g))
    into.push(Number(now - BigInt(time ?? 0)) / 1e6);
}

function send(pool: Pool, target: Target, load: Case, delays: number[]): Promise<One> {
  return new Promise((resolve) => {
    const started = performance.now();
    const one: One = { problem: undefined, ms: 0, firstByteMs: 0, events: 0 };
    const done = () => {
      one.ms = performance.now() - started;
      resolve(one);
    };
    pool.dispatch(
      {
        path: load.path,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': String(load.body.length),
          'user-agent': 'bench',
          ...target.headers,
        },
        body: load.body,
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          load.ids?.add(String(headers['x-godel-request-id']));
          if (status !== 200) one.problem = String(status);
        },
        onResponseData(_controller, chunk) {
          if (one.problem !== undefined) one.problem += ` ${chunk.toString('utf8', 0, MOST_OF_PROBLEM)}`;
          if (one.firstByteMs === 0) one.firstByteMs = performance.now() - started;
          if (!load.stream) return;
          one.events += countEvents(chunk);
          if (load.name.includes('paced')) noteDelays(chunk, delays);
        },
        onResponseEnd: done,
        onResponseError(_controller, error) {
          one.problem = `${(error as { code?: string }).code ?? error.name}: ${error.message}, ${one.events} events in`;
          done();
        },
      },
    );
  });
}

export async function measure(target: Target, load: Case): Promise<Measured> {
  const pool = new Pool(target.url, { connections: load.clients, pipelining: 1 });
  const delays: number[] = [];
  const seen: One[] = [];
  const warm = Math.min(load.clients, 16);
  const warmed = await Promise.all(Array.from({ length: warm }, () => send(pool, target, load, [])));
  const cpu = cpuMicroseconds(target.pids);
  const started = performance.now();
  await Promise.all(
    Array.from({ length: load.clients }, async () => {
      do seen.push(await send(pool, target, load, delays));
      while (performance.now() - started < load.ms);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const spent = cpuMicroseconds(target.pids) - cpu;
  await pool.destroy();
  const events = seen.reduce((sum, one) => sum + one.events, 0);
  const times = seen.map((one) => one.ms);
  const problems = [...warmed, ...seen].flatMap(({ problem }) => problem ?? []);
  const reasons: Record<string, number> = {};
  for (const problem of problems) reasons[problem] = (reasons[problem] ?? 0) + 1;
  return {
    requests: seen.length + warm,
    perSecond: seen.length / seconds,
    eventsPerSecond: events / seconds,
    p50: share(times, 0.5),
    p99: share(times, 0.99),
    firstByte: share(
      seen.map((one) => one.firstByteMs),
      0.5,
    ),
    delayP50: share(delays, 0.5),
    delayP99: share(delays, 0.99),
    cpuPerRequest: spent / seen.length,
    cpuPerEvent: events === 0 ? 0 : spent / events,
    failed: problems.length,
    reasons,
  };
}

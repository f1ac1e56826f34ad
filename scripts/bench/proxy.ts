/**
 * The LLM proxy beside what else could stand in its place, interleaved in one run on loopback: direct, nginx, a bare Node
 * pass-through, Godel with everything on, Portkey. Read the ratios; the machine is whatever it is.
 * `--rounds 4 --ms 1500 --without portkey,nginx --only "json c16" --profile /tmp/profiles`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/base/table.ts';
import { type Case, type Figure, type Measured, measure, rssMiB, share } from './proxy-load.ts';
import {
  type Started,
  startGodel,
  startNginx,
  startPassthrough,
  startPortkey,
  startScript,
  type Target,
} from './proxy-targets.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    ms: { type: 'string', default: '1500' },
    without: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    profile: { type: 'string', default: '' },
  },
});
const without = options.without.split(',');
const ms = Number(options.ms);
const profiling = options.profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];

function bodyOf(model: string, stream: boolean, words = 40): Buffer {
  const content = 'some words of a prompt with a "quote" and a line\n'.repeat(Math.ceil(words / 10));
  const streamed = stream ? { stream: true, stream_options: { include_usage: true } } : {};
  return Buffer.from(JSON.stringify({ model, max_tokens: 500, ...streamed, messages: [{ role: 'user', content }] }));
}

const CHAT = '/v1/chat/completions';
const LARGE_WORDS = 52_000;
const load = (name: string, clients: number, body: Buffer, stream = false, path = CHAT): Case => ({
  name,
  clients,
  path,
  body,
  stream,
  ms,
});
const CASES: readonly Case[] = [
  load('json c1', 1, bodyOf('burst', false)),
  load('json c16', 16, bodyOf('burst', false)),
  load('json c128', 128, bodyOf('burst', false)),
  load('256 KiB c16', 16, bodyOf('burst', false, LARGE_WORDS)),
  load('SSE c1', 1, bodyOf('burst', true), true),
  load('SSE c50', 50, bodyOf('burst', true), true),
  load('SSE c200', 200, bodyOf('burst', true), true),
  load('paced c50', 50, bodyOf('paced', true), true),
  // Only Godel translates here; its numbers stand beside those of the pass-through.
  load('translated SSE c50', 50, bodyOf('burst', true), true, '/v1/messages'),
  load('translated 256 KiB c16', 16, bodyOf('burst', false, LARGE_WORDS), false, '/v1/messages'),
];

type Results = Map<string, Map<string, Measured[]>>;
const median = (values: number[]) => share(values, 0.5);

function of(results: Results, name: string, target: string, field: Figure): number {
  return median((results.get(name)?.get(target) ?? []).map((each) => each[field]));
}

async function runAll(targets: readonly Target[]): Promise<Results> {
  const results: Results = new Map();
  const cases = CASES.filter((each) => options.only === '' || each.name.includes(options.only));
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const each of cases) {
      for (const target of targets) {
        if (each.path !== CHAT && target.name !== 'godel') continue;
        const measured = await measure(target, each);
        const byTarget = results.get(each.name) ?? new Map<string, Measured[]>();
        results.set(each.name, byTarget.set(target.name, [...(byTarget.get(target.name) ?? []), measured]));
      }
    }
    process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
  }
  return results;
}

const number = (value: number) => (value >= 100 ? Math.round(value).toString() : value.toPrecision(3));

function measuredTable(results: Results, targets: readonly Target[]): string {
  const rows: string[][] = [];
  const fields: [string, Figure, (name: string) => boolean][] = [
    ['req/s', 'perSecond', (name) => !name.includes('SSE') && !name.includes('paced')],
    ['events/s', 'eventsPerSecond', (name) => name.includes('SSE')],
    ['p50 ms', 'p50', (name) => name.startsWith('json')],
    ['p99 ms', 'p99', (name) => name.startsWith('json')],
    ['first byte ms', 'firstByte', (name) => name.includes('SSE')],
    ['delay p50 ms', 'delayP50', (name) => name.startsWith('paced')],
    ['delay p99 ms', 'delayP99', (name) => name.startsWith('paced')],
    ['cpu us/request', 'cpuPerRequest', (name) => !name.includes('SSE') && !name.includes('paced')],
    ['cpu us/event', 'cpuPerEvent', (name) => name.includes('SSE')],
    ['failed', 'failed', () => true],
  ];
  for (const name of results.keys())
    for (const [label, field, fits] of fields) {
      if (!fits(name)) continue;
      rows.push([
        name,
        label,
        ...targets.map((target) =>
          results.get(name)?.has(target.name) ? number(of(results, name, target.name, field)) : '-',
        ),
      ]);
    }
  return table(['CASE', 'MEASURED', ...targets.map((target) => target.name)], rows);
}

interface Goal {
  what: string;
  value: number;
  bar: number;
  more: boolean;
}

/** What a target adds to the direct way. */
const added = (results: Results, name: string, target: string, field: Figure) =>
  Math.max(0.001, of(results, name, target, field) - of(results, name, 'direct', field));

function goalsOf(results: Results, memory: ReadonlyMap<string, number>): Goal[] {
  const goals: Goal[] = [];
  const rate = (name: string, field: Figure, against: string, bar: number, more: boolean, other = name) => {
    const [own, theirs] = [of(results, name, 'godel', field), of(results, other, against, field)];
    if (own > 0 && theirs > 0) goals.push({ what: `${name}: ${field} / ${against}`, value: own / theirs, bar, more });
  };
  const more = (name: string, field: Figure, against: string, bar: number) => {
    if (!results.get(name)?.has(against)) return;
    const value = added(results, name, 'godel', field) / added(results, name, against, field);
    goals.push({ what: `${name}: added ${field} / ${against}`, value, bar, more: false });
  };
  const NODE = 'node + undici';
  for (const name of ['json c16', 'json c128']) {
    rate(name, 'perSecond', NODE, 0.8, true);
    rate(name, 'perSecond', 'direct', 0.35, true);
    rate(name, 'perSecond', 'portkey', 7, true);
  }
  more('json c1', 'p50', NODE, 1.5);
  more('json c1', 'p50', 'portkey', 0.2);
  more('json c16', 'p99', NODE, 2);
  more('json c16', 'p99', 'portkey', 0.15);
  for (const [against, bar] of [
    [NODE, 1.5],
    ['nginx', 5],
    ['portkey', 0.1],
  ] as const)
    rate('json c16', 'cpuPerRequest', against, bar, false);
  for (const [against, bar] of [
    [NODE, 0.85],
    ['direct', 0.6],
    ['portkey', 4],
  ] as const)
    rate('256 KiB c16', 'perSecond', against, bar, true);
  for (const name of ['SSE c50', 'SSE c200'])
    for (const [against, bar] of [
      [NODE, 0.9],
      ['nginx', 1],
      ['portkey', 1.6],
    ] as const)
      rate(name, 'eventsPerSecond', against, bar, true);
  for (const [against, bar] of [
    [NODE, 1.15],
    ['nginx', 1.2],
    ['portkey', 0.4],
  ] as const)
    rate('SSE c50', 'cpuPerEvent', against, bar, false);
  more('SSE c50', 'firstByte', NODE, 2);
  more('SSE c50', 'firstByte', 'portkey', 0.1);
  rate('paced c50', 'delayP99', NODE, 1.5, false);
  rate('paced c50', 'delayP99', 'portkey', 0.25, false);
  rate('translated SSE c50', 'eventsPerSecond', NODE, 0.5, true, 'SSE c50');
  rate('translated SSE c50', 'cpuPerEvent', NODE, 2, false, 'SSE c50');
  rate('translated 256 KiB c16', 'perSecond', 'direct', 0.4, true, '256 KiB c16');
  for (const [against, bar] of [
    [NODE, 1.25],
    ['portkey', 0.6],
  ] as const) {
    const theirs = memory.get(against);
    if (theirs)
      goals.push({ what: `memory / ${against}`, value: (memory.get('godel') ?? 0) / theirs, bar, more: false });
  }
  return goals;
}

const folder = await mkdtemp(join(tmpdir(), 'godel-bench-proxy-'));
const started: Started[] = [];
const upstream = await startScript('./proxy-upstream.ts');
const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
try {
  const direct: Target = { name: 'direct', url: upstreamUrl, headers: {}, pids: [] };
  const starts = {
    nginx: () => startNginx(upstreamUrl, folder),
    node: () => startPassthrough(upstreamUrl),
    godel: () => startGodel(upstreamUrl, folder, profiling),
    portkey: () => startPortkey(upstreamUrl, folder),
  };
  for (const [name, start] of Object.entries(starts)) {
    if (without.includes(name)) continue;
    const made = await start();
    if (made) started.push(made);
    else process.stderr.write(`${name} cannot be had here and is left out\n`);
  }
  const targets = [direct, ...started.map((each) => each.target)];
  const results = await runAll(targets);
  const memory = new Map(started.map(({ target }) => [target.name, rssMiB(target.pids)]));
  process.stdout.write(`${measuredTable(results, targets)}\n\n`);
  process.stdout.write(
    `memory after load: ${[...memory].map(([name, mib]) => `${name} ${Math.round(mib)} MiB`).join(', ')}\n\n`,
  );
  const goals = goalsOf(results, memory).map(({ what, value, bar, more }) => [
    what,
    number(value),
    `${more ? '>=' : '<='} ${bar}`,
    (more ? value >= bar : value <= bar) ? 'yes' : 'NO',
  ]);
  process.stdout.write(`${table(['RATIO', 'MEASURED', 'TARGET', 'MET'], goals)}\n`);
} finally {
  for (const each of started) await each.stop();
  upstream.child.kill();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** `godel demo`: a home and a repository of its own, three real agents, and proof that all of it happened. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../base/error.ts';
import { git } from '../base/git.ts';
import { type HomePaths, homePaths } from '../base/paths.ts';
import { isRunning, run } from '../base/process.ts';
import type { Bead } from '../beads/schema.ts';
import type { Client } from '../client/client.ts';
import { exchange } from '../client/http.ts';
import { failure } from '../errors.ts';
import { handOver } from './commands/terminal.ts';
import type { CliContext, GlobalFlags } from './context.ts';
import { connectDaemon, readRecord } from './daemon-control.ts';
import { PROOF_COMMAND, SAMPLE_BEADS, writeSample } from './demo-sample.ts';

export interface DemoSummary {
  beads: { id: string; title: string; status: string; commits: number }[];
  landed: string[];
  commits: number;
  requests: number;
  costUsd: number;
  seconds: number;
}

interface Demo {
  client: Client;
  repository: string;
  say: (line: string) => void;
}

const WORK_LIMIT_MS = 180_000;
const POLL_MS = 200;

/** The demo's own home: nothing of the user's is read or written, no key goes along. */
function demoEnvironment(env: CliContext['env'], home: string): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) => value !== undefined && !/^GODEL_|_API_KEY$|_AUTH_TOKEN$/.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    GODEL_HOME: home,
    GODEL_PORT: '0',
    GODEL_PROXY_PORT: '0',
    // A demo whose daemon crashes has failed.
    GODEL_KEEPER: 'off',
  };
}

async function prepareWork({ client, say }: Demo): Promise<Bead[]> {
  await client.call('configSet', { key: 'provider', value: 'demo' });
  await client.call('configSet', { key: 'proof_command', value: PROOF_COMMAND });
  const beads: Bead[] = [];
  for (const sample of SAMPLE_BEADS) beads.push(await client.call('beadCreate', sample));
  const convoy = await client.call('convoyCreate', { name: 'Demo', beads: beads.map((bead) => bead.id) });
  for (const bead of beads) say(`created  ${bead.id}  ${bead.title}`);
  say(`bundled  ${convoy.id}`);
  return beads;
}

async function startAgents({ client, say }: Demo, beads: readonly Bead[]): Promise<void> {
  for (const bead of beads) {
    const { items } = await client.call('agentSpawn', { bead: bead.id });
    for (const agent of items)
      say(`spawned  ${agent.name}  ${agent.runtime} ${agent.provider}/${agent.model} on ${bead.id}`);
  }
}

/** Waits until every bead is in review and tells what agents do meanwhile. */
async function awaitReview({ client, say }: Demo, ids: readonly string[], signal: AbortSignal): Promise<void> {
  const told = new Map<string, string>();
  const tell = (key: string, line: string) => {
    if (told.get(key) === line) return;
    told.set(key, line);
    say(line);
  };
  const deadline = Date.now() + WORK_LIMIT_MS;
  while (!signal.aborted) {
    const beads = await Promise.all(ids.map((id) => client.call('beadShow', { id })));
    const { items: agents } = await client.call('agentList', {});
    for (const agent of agents)
      tell(agent.name, `${agent.observed.state.padEnd(8)} ${agent.name}  ${agent.observed.detail ?? ''}`.trimEnd());
    for (const bead of beads)
      if (bead.status === 'review')
        tell(bead.id, `review   ${bead.id}  ${bead.title} (proof exit ${bead.proof?.exitCode})`);
    if (beads.every((bead) => ['review', 'done'].includes(bead.status))) return;
    if (Date.now() > deadline)
      throw failure('internal', { problem: `the agents did not finish in ${WORK_LIMIT_MS / 1000} s` });
    await delay(POLL_MS);
  }
}

async function summarise(
  { client, repository }: Demo,
  ids: readonly string[],
  startedMs: number,
): Promise<DemoSummary> {
  const beads = await Promise.all(ids.map((id) => client.call('beadShow', { id })));
  const usage = await client.call('costShow', {});
  const trailers = await git(repository, ['log', '--format=%(trailers:key=Bead,valueonly)', 'main']);
  const landed = ids.filter((id) => trailers.includes(id));
  return {
    beads: beads.map((bead) => ({ id: bead.id, title: bead.title, status: bead.status, commits: bead.commits.length })),
    landed,
    commits: beads.reduce((sum, bead) => sum + bead.commits.length, 0),
    requests: usage.requests,
    costUsd: usage.totalCost,
    seconds: Math.round((Date.now() - startedMs) / 100) / 10,
  };
}

/** What must be true for the demo to have happened; the first thing that is not. */
export function missingProof(summary: DemoSummary): string | undefined {
  if (summary.landed.length < 1) return 'nothing landed on main';
  if (!summary.beads.every((bead) => bead.commits > 0)) return 'a bead has no commit';
  if (!summary.beads.every((bead) => ['review', 'done'].includes(bead.status))) return 'a bead is not in review';
  if (summary.requests < summary.beads.length) return 'the agents made no requests through the proxy';
  if (!(summary.costUsd > 0)) return 'no cost was counted';
  return undefined;
}

function summaryText(summary: DemoSummary, where: string): string {
  return [
    '',
    ...summary.beads.map((bead) => `${bead.id}  ${bead.status.padEnd(7)} ${bead.commits} commits  ${bead.title}`),
    '',
    `${summary.beads.length} beads, ${summary.landed.length} landed, ${summary.commits} commits, ${summary.requests} requests, $${summary.costUsd.toFixed(6)} at demo prices, ${summary.seconds} s`,
    where,
    '',
  ].join('\n');
}

async function work(demo: Demo, signal: AbortSignal): Promise<DemoSummary> {
  const startedMs = Date.now();
  const beads = await prepareWork(demo);
  const ids = beads.map((bead) => bead.id);
  await startAgents(demo, beads);
  await awaitReview(demo, ids, signal);
  const first = ids[0] as string;
  const landed = await demo.client.call('reviewAccept', { id: first });
  demo.say(
    `landed   ${first}  as ${landed.commit?.slice(0, 10)}, gate "${landed.gate?.command}" exit ${landed.gate?.exitCode}`,
  );
  return summarise(demo, ids, startedMs);
}

/** Ends whatever there is of it: each part may have ended before, or never have begun. */
async function cleanUp(paths: HomePaths, folder: string): Promise<void> {
  const record = readRecord(paths);
  const kill = await run('tmux', ['-L', paths.tmuxSocketName, 'kill-server']).catch(() => undefined);
  if (record && isRunning(record.pid)) {
    process.kill(record.pid, 'SIGTERM');
    for (let tries = 0; tries < 400 && isRunning(record.pid); tries += 1) await delay(25);
  }
  const stop = { method: 'POST', path: '/admin/stop', headers: {}, body: '{}', timeoutMs: 5_000 };
  await exchange({ socketPath: paths.proxySocketFile }, stop).catch(() => undefined);
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  if (kill === undefined) throw failure('tmux-missing', { problem: 'it is not installed' });
}

/** Runs the work behind the board and resolves when the person detaches. */
async function watchInTerminal(
  demo: Demo,
  context: CliContext,
  env: Record<string, string>,
): Promise<DemoSummary | undefined> {
  const { command } = await demo.client.call('boardOpen', {
    columns: process.stdout.columns,
    rows: process.stdout.rows,
  });
  const ending = new AbortController();
  const result = work(demo, ending.signal).catch((error: unknown) => {
    if (!ending.signal.aborted) context.streams.err(`godel: ${messageOf(error)}\n`);
    return undefined;
  });
  await handOver(command, env);
  const done = await Promise.race([result, delay(100).then(() => undefined)]);
  ending.abort();
  return done;
}

export async function runDemo(context: CliContext, flags: GlobalFlags & { keep: boolean }): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-demo-')));
  const repository = join(folder, 'greeter');
  const env = demoEnvironment(context.env, join(folder, 'home'));
  const paths = homePaths(env);
  const visible = context.isTerminal && !flags.json;
  const say = (line: string) => visible || context.streams.err(`${line}\n`);
  let summary: DemoSummary | undefined;
  const interrupted = () => void cleanUp(paths, folder).finally(() => process.exit(130));
  if (!flags.keep) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted);
  try {
    await run('mkdir', ['-p', repository]);
    await writeSample(repository);
    say(`sample   ${repository}`);
    const client = await connectDaemon({ env, cwd: repository, start: true, checkVersion: true });
    const demo = { client, repository, say };
    summary = visible ? await watchInTerminal(demo, context, env) : await work(demo, new AbortController().signal);
  } finally {
    if (!flags.keep) await cleanUp(paths, folder);
  }
  if (!summary) return context.streams.out('The demo was left before its end; nothing of it remains.\n');
  const where = flags.keep
    ? `Kept: cd ${repository} && GODEL_HOME=${paths.stateDir} godel`
    : 'The sample repository and everything started for it are gone again; --keep keeps them.';
  context.streams.out(flags.json ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(summary, where));
  const missing = missingProof(summary);
  if (missing) throw failure('internal', { problem: `the demo did not happen as it should: ${missing}` });
}

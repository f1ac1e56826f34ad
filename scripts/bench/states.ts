/**
 * How soon the board knows what an agent does: mixed agents, in panes and over a protocol, work in short turns all the time. The time
 * runs from the moment a program notes that it begins or ends to the board's model showing it; beside it, the same panes read again
 * and again with `tmux capture-pane`, which is what a script without Godel does. Before that they work for two minutes, in which
 * the code of the daemon is compiled (a tenth of its time): it runs for days.
 * Use: node scripts/bench/index.ts states [--panes 50] [--seconds 60]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from '../../src/agents/schema.ts';
import { run } from '../../src/base/process.ts';
import { fakeClaudeIn } from '../../test/support/prompt-load.ts';
import { createConnection } from '../../tui/connection.ts';
import { initialModel } from '../../tui/model/state.ts';
import { createStore } from '../../tui/store.ts';
import { at, type BenchHome, ms } from './bench-home.ts';

const TICKS = 100;
const SIZE = { columns: 36, rows: 45 };
const TURN_MS = 3_000;
const START_MS = 240_000;
const WARM_MS = 120_000;
/** A change that was not seen within this time was missed. */
const MISSED_MS = 10_000;

interface Sight {
  state: string;
  atMs: number;
}

/** States in the order in which somebody saw them, by agent. */
class Sights {
  private readonly seen = new Map<string, Sight[]>();

  note(id: string, state: string, atMs = Date.now()): void {
    const known = this.seen.get(id) ?? [];
    if (known.at(-1)?.state === state) return;
    known.push({ state, atMs });
    this.seen.set(id, known);
  }

  /** Delay (ms) of each change; one that another change overtook is not counted among the missed. */
  delays(changes: ReadonlyMap<string, readonly Sight[]>): { sorted: number[]; missed: number } {
    const found: number[] = [];
    let missed = 0;
    for (const [id, list] of changes) {
      for (const change of list) {
        const sight = (this.seen.get(id) ?? []).find(
          (each) => each.state === change.state && each.atMs >= change.atMs - 5 && each.atMs - change.atMs < MISSED_MS,
        );
        if (sight) found.push(Math.max(0, sight.atMs - change.atMs));
        else missed += 1;
      }
    }
    return { sorted: found.sort((a, b) => a - b), missed };
  }
}

/** CPU time (ms) of all threads of a process, to the nanosecond: what runs in short bits falls between the ticks of a clock. */
const cpuMsOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8'))
    .reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e6, 0);

/** CPU time (ms) of the processes that were started here and have ended. */
function cpuMsOfChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[13]) + Number(fields[14])) * 1_000) / TICKS;
}

/** What the programs noted themselves between two times. */
async function changesOf(home: BenchHome, agents: readonly Agent[], fromMs: number, toMs: number) {
  const changes = new Map<string, Sight[]>();
  for (const { id } of agents) {
    const file = join(home.paths.agentsDir, id, 'claude', 'changes.txt');
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    const all = lines.map((line): Sight => ({ atMs: Number(line.split(' ')[0]), state: line.split(' ')[1] ?? '' }));
    changes.set(
      id,
      all.filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
    );
  }
  return changes;
}

/** Reads every pane in turn until `signal` ends it, as a script would. */
async function poll(home: BenchHome, agents: readonly Agent[], sights: Sights, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const { id, pane = '' } of agents) {
      if (signal.aborted) return;
      const words = ['-L', home.paths.tmuxSocketName, 'capture-pane', '-p', '-t', pane];
      const { stdout } = await run('tmux', words, { env: home.env });
      const state = /^(busy|idle) frame/m.exec(stdout)?.[1];
      if (state) sights.note(id, state);
    }
  }
}

/** Gives every agent a prompt again and again, so that all of them begin and end turns; the number of turns. */
async function work(home: BenchHome, agents: readonly Agent[], endMs: number): Promise<number> {
  const client = home.client();
  const pause = (2 * TURN_MS) / agents.length;
  let turn = 0;
  for (; Date.now() < endMs; turn += 1) {
    const agent = agents[turn % agents.length] as Agent;
    await client.call('agentSend', { id: agent.id, text: `turn ${turn}`, when: 'after-turn' });
    await delay(pause);
  }
  return turn;
}

async function crew(home: BenchHome, count: number): Promise<Agent[]> {
  const client = home.client();
  for (const [name, headless] of [
    ['face', false],
    ['speaker', true],
  ] as const) {
    await client.call('agentSpawn', { name, count: Math.ceil(count / 2), runtime: 'claude', headless });
  }
  for (const end = Date.now() + START_MS; Date.now() < end; await delay(500)) {
    const { items } = await client.call('agentList', { limit: 500 });
    if (items.every((agent) => agent.observed.state === 'idle')) return items;
  }
  throw new Error('the agents were not idle in time');
}

export async function states(home: BenchHome, count: number, seconds: number): Promise<string[][]> {
  home.env.PATH = [await fakeClaudeIn(home.folder, TURN_MS), home.env.PATH].join(delimiter);
  await home.godel('config', 'set', 'provider', 'demo');
  const agents = await crew(home, count);
  const board = new Sights();
  const store = createStore(initialModel(SIZE, Date.now()), Date.now);
  const connection = createConnection({ client: home.client(), store, now: Date.now });
  store.subscribe((model) => {
    for (const { id, observed } of model.agents.values()) board.note(id, observed.state);
  });
  connection.start();
  const { pid } = JSON.parse(await readFile(home.paths.daemonFile, 'utf8')) as { pid: number };

  const share = (cpuMs: number) => `${(cpuMs / 10 / seconds).toFixed(1)} %`;
  const aTurn = ({ cpuMs, turns }: { cpuMs: number; turns: number }) => ms(cpuMs / turns);
  await work(home, agents, Date.now() + WARM_MS);
  const quiet = await measured(home, agents, seconds, () => cpuMsOf(pid));
  const polled = new Sights();
  const stop = new AbortController();
  const panes = agents.filter((agent) => !agent.headless);
  const polling = poll(home, panes, polled, stop.signal);
  const beside = await measured(home, panes, seconds, cpuMsOfChildren);
  stop.abort();
  await polling;
  await connection.stop();

  const told = ({ sorted, missed }: { sorted: number[]; missed: number }) =>
    `${ms(at(sorted, 0.5))} / ${ms(at(sorted, 0.95))} / ${ms(at(sorted, 1))} of ${sorted.length}, ${missed} missed`;
  const what = `${count} agents at work: from a change to the board, p50 / p95 / longest`;
  return [
    [
      what,
      told(board.delays(quiet.changes)),
      '< 250 ms',
      `capture-pane in turn: ${told(polled.delays(beside.changes))}`,
    ],
    [
      'CPU of the daemon then',
      share(quiet.cpuMs),
      '< 5 % of a core',
      `of the capturing processes: ${share(beside.cpuMs)}`,
    ],
    [`and for each of ${quiet.turns} turns`, aTurn(quiet), '', `of the capturing processes: ${aTurn(beside)}`],
  ];
}

/** Lets the agents work for a while. */
async function measured(home: BenchHome, agents: readonly Agent[], seconds: number, cpuMs: () => number) {
  const [fromMs, before] = [Date.now(), cpuMs()];
  const endMs = fromMs + seconds * 1_000;
  const turns = await work(home, agents, endMs);
  const spent = cpuMs() - before;
  // What began at the end is still to be seen.
  await delay(2 * TURN_MS);
  return { cpuMs: spent, turns, changes: await changesOf(home, agents, fromMs, endMs) };
}

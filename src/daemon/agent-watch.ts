/**
 * Looks at every live agent once a second: reads the screens of those that offer nothing better, confirms what still
 * holds, lets what is old become unknown, and finds agents that are stuck or loop. At rest it starts no process, and of
 * an agent that prints nothing it looks at the time of its log alone.
 */
import { changeAgent, loadAgent } from '../agents/changes.ts';
import { attentionOf } from '../agents/progress.ts';
import type { Agent, Attention } from '../agents/schema.ts';
import { handleOf } from '../agents/service.ts';
import { isContradicted } from '../agents/state.ts';
import { verdictOfScreen } from '../agents/verdicts.ts';
import { messageOf } from '../base/error.ts';
import { statsOf } from '../base/stats.ts';
import type { Config } from '../config.ts';
import type { AgentParts } from './agent-parts.ts';
import { createCapWatch } from './cap-watch.ts';
import { newestChangeMs } from './changed-files.ts';
import type { Core } from './core.ts';

export interface AgentWatchOptions {
  core: Core;
  parts: AgentParts;
  configOf: (projectId: string) => Promise<Config>;
  /** The time of an agent is over. */
  onTimeOver: (agent: Agent) => Promise<void>;
}

const TICK_MS = 1_000;
/** A terminal that printed nothing for this long (ms) is quiet: what was said about it then still holds. */
const QUIET_MS = 1_000;
/** Agents whose bridge tells everything, and those that print nothing, are looked at every so many ticks. */
const SLOW_TICKS = 5;
const WORKING = ['executing', 'waiting'];

interface Seen {
  mtimeMs: number;
  /** The screen of this print was read. */
  read: boolean;
  /** It asks for something that no program waits for yet. */
  unread?: boolean;
}

export function startAgentWatch({ core, parts, configOf, onTimeOver }: AgentWatchOptions): { stop(): Promise<void> } {
  const { live, observation, progress, runtimes, runner } = parts;
  const seen = new Map<string, Seen>();
  const caps = createCapWatch({ core, parts });
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let ticks = 0;
  /** Read again at every slow look. */
  const configs = new Map<string, Config>();

  async function readScreen(agent: Agent, known: Seen, nowMs: number, slow: boolean): Promise<void> {
    const runtime = runtimes.get(agent.runtime);
    if (!runtime.readScreen || (known.read && !(slow && known.unread))) return;
    const quiet = nowMs - known.mtimeMs > QUIET_MS;
    const said = quiet ? runtime.readScreen(await runner.screen(handleOf(agent))) : { state: 'busy' as const };
    const verdict = verdictOfScreen(said, () => runner.isRead(handleOf(agent)));
    known.read = quiet;
    known.unread = verdict !== said;
    if (verdict) await observation.report(agent.id, { ...verdict, source: 'screen', atMs: nowMs });
  }

  /** Nothing was printed since a source said that the agent rests or waits: it still does. */
  function confirmQuiet(agent: Agent, known: Seen, nowMs: number): void {
    if (nowMs - known.mtimeMs <= QUIET_MS || progress.of(agent.id).signs.inFlight > 0) return;
    observation.confirm(agent.id, nowMs, (each) => {
      if (each.source === 'process') return false;
      const rests = each.state === 'idle' || each.state === 'waiting';
      return rests && each.atMs >= known.mtimeMs - QUIET_MS;
    });
  }

  /**
   * A title is read every second; a request in flight is answered for as long as it takes; what a hook told holds until
   * the next one, unless a lesser source saw something else begin after it.
   */
  function confirmTold(agent: Agent, nowMs: number): void {
    const inFlight = progress.of(agent.id).signs.inFlight > 0;
    const tellsAll = runtimes.get(agent.runtime).delivery === 'hooks';
    const known = observation.evidence(agent.id);
    observation.confirm(agent.id, nowMs, (each) => {
      if (each.source === 'title') return true;
      if (each.source === 'proxy') return inFlight && each.state === 'busy';
      return each.source === 'hook' && tellsAll && !isContradicted(known, each);
    });
  }

  function lastPrintMs(agent: Agent): number {
    return statsOf(parts.launcher.logFileOf(agent.id))?.mtimeMs ?? 0;
  }

  async function look(agent: Agent, nowMs: number, slow: boolean): Promise<void> {
    if (!WORKING.includes(agent.lifecycle)) return;
    const mtimeMs = lastPrintMs(agent);
    const before = seen.get(agent.id);
    // What was said holds for longer than the next slow look is away.
    if (!slow && before?.read && before.mtimeMs === mtimeMs) return;
    const known = before?.mtimeMs === mtimeMs ? before : { mtimeMs, read: false };
    seen.set(agent.id, known);
    progress.output(agent.id, mtimeMs);
    observation.adopt(agent);
    await readScreen(agent, known, nowMs, slow);
    confirmQuiet(agent, known, nowMs);
    confirmTold(agent, nowMs);
    await observation.review(agent);
  }

  async function setAttention(agent: Agent, attention: Attention | undefined): Promise<void> {
    await core.units.run(async (unit) => {
      const current = await loadAgent(unit, agent.id);
      if (current.attention?.kind === attention?.kind) return;
      await changeAgent(unit, current, { attention }, 'agent:attention');
    });
  }

  async function judgeProgress(agent: Agent, config: Config, nowMs: number): Promise<void> {
    const limits = {
      stuckSeconds: config.stuck_seconds,
      loopRepeats: config.loop_repeats,
      callCap: config.call_cap,
    };
    const { signs, calls, modelCalls } = progress.of(agent.id);
    const busy = ['busy', 'starting', 'unknown'].includes(observation.fresh(agent).observed.state);
    const judged = () => attentionOf({ busy, signs, calls, modelCalls }, limits, nowMs);
    let found = judged();
    if (found?.kind === 'stuck' && agent.worktree !== undefined && agent.attention?.kind !== 'stuck') {
      progress.files(agent.id, await newestChangeMs(agent.worktree));
      found = judged();
    }
    // That it ran into a cap stays true for this life.
    if (!found && agent.attention?.kind === 'capped') return;
    if (found?.kind !== agent.attention?.kind) await setAttention(agent, found);
  }

  /** Its time is over: it is paused where it is, and a person decides. */
  async function enforceTime(agent: Agent, nowMs: number): Promise<void> {
    if (agent.deadlineAt === undefined || Date.parse(agent.deadlineAt) > nowMs) return;
    await onTimeOver(agent);
  }

  async function visit(agent: Agent, nowMs: number, slow: boolean): Promise<void> {
    const runtime = runtimes.get(agent.runtime);
    if (slow || runtime.readScreen) await look(agent, nowMs, slow);
    if (!slow || !WORKING.includes(agent.lifecycle)) return;
    const config = configs.get(agent.projectId) ?? (await configOf(agent.projectId));
    configs.set(agent.projectId, config);
    await judgeProgress(agent, config, nowMs);
    await enforceTime(agent, nowMs);
  }

  async function tick(): Promise<void> {
    ticks += 1;
    const slow = ticks % SLOW_TICKS === 0;
    const agents = await live.list(slow);
    if (slow) {
      configs.clear();
      const ids = new Set(agents.map((agent) => agent.id));
      for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    }
    for (const agent of agents) {
      if (stopped) return;
      await visit(agent, core.clock.now(), slow).catch((error: unknown) =>
        core.log.debug({ agentId: agent.id, problem: messageOf(error) }, 'agent not looked at'),
      );
    }
    await caps.tick(ticks, agents, (agent) => configs.get(agent.projectId));
  }

  const timer = setInterval(() => {
    running = running
      .then(tick)
      .catch((error: unknown) => core.log.warn({ problem: messageOf(error) }, 'agents not looked at'));
  }, TICK_MS);

  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      live.stop();
      await running;
    },
  };
}

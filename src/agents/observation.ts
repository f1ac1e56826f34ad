/**
 * What an agent is doing, from every source that knows something: its bridge, the proxy's
 * traffic, its screen, its process. Verdicts are ranked in state.ts; only changes are stored.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Activity } from '../costs/schema.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import type { AgentEvent } from './bridge-protocol.ts';
import { type AgentChange, changeAgent, loadAgent } from './changes.ts';
import type { Agent, ObservedState } from './schema.ts';
import { isLive, observe, type StateReport } from './state.ts';

export interface ObservationOptions {
  units: UnitOfWork;
  findAgent: (id: string) => Promise<Agent | undefined>;
  clock: Clock;
  log: Log;
}

export interface Observation {
  /** Takes a verdict; the state of the agent changes only when it is better than what is known. */
  report(agentId: string, report: StateReport, change?: AgentChange): Promise<void>;
  /** Translates a bridge event; events of another generation are ignored by the caller. */
  bridgeEvent(agentId: string, event: AgentEvent, atMs: number): Promise<void>;
  proxyActivity(activity: Activity): Promise<void>;
  /** Notes that a source still stands by its verdict, without writing anything. */
  confirm(agentId: string, atMs: number): void;
  /** The stored state with the time it was last confirmed. */
  fresh(agent: Agent): Agent;
  forget(agentId: string): void;
}

/** The verdict of one bridge event; undefined when it says nothing about the state. Pure. */
export function verdictOf(event: AgentEvent): Omit<StateReport, 'atMs'> | undefined {
  switch (event.kind) {
    case 'turn-start':
    case 'tool-end':
      return { state: 'busy', source: 'hook' };
    case 'tool-start':
      return { state: 'busy', source: 'hook', detail: event.summary ? `${event.tool}: ${event.summary}` : event.tool };
    case 'ask':
      return { state: 'waiting', source: 'hook', detail: event.question };
    case 'settled':
      return event.error === undefined
        ? { state: 'idle', source: 'hook' }
        : { state: 'waiting', source: 'hook', detail: `The model answered with an error: ${event.error}` };
    case 'idle':
      return { state: 'idle', source: 'hook' };
    default:
      return undefined;
  }
}

/** The verdict of the proxy's view; undefined when traffic alone cannot tell. Pure. */
export function verdictOfTraffic(activity: Activity): Omit<StateReport, 'atMs'> | undefined {
  if (activity.inFlight > 0) return { state: 'busy', source: 'proxy' };
  if (['end_turn', 'stop', 'stop_sequence', 'completed'].includes(activity.stopReason ?? '')) {
    return { state: 'idle', source: 'proxy' };
  }
  // A tool call was answered: the tool runs, or waits for a permission that only others can see.
  if (['tool_use', 'tool_calls'].includes(activity.stopReason ?? ''))
    return { state: 'busy', source: 'proxy', detail: 'tool' };
  return undefined;
}

function sameVerdict(a: ObservedState, b: ObservedState): boolean {
  return a.state === b.state && a.source === b.source && a.detail === b.detail;
}

export function createObservation(options: ObservationOptions): Observation {
  const { units, clock } = options;
  /** Last time (ms) the stored verdict was confirmed; not worth a write. */
  const confirmed = new Map<string, number>();

  function withConfirmation(agent: Agent): Agent {
    const at = confirmed.get(agent.id);
    if (at === undefined || at <= Date.parse(agent.observed.at)) return agent;
    return { ...agent, observed: { ...agent.observed, at: new Date(at).toISOString() } };
  }

  async function report(agentId: string, verdict: StateReport, change: AgentChange = {}): Promise<void> {
    const known = await options.findAgent(agentId);
    if (!known || !isLive(known.lifecycle)) return;
    const next = observe(withConfirmation(known).observed, verdict);
    confirmed.set(agentId, Math.max(confirmed.get(agentId) ?? 0, Date.parse(next.at)));
    if (sameVerdict(next, known.observed) && Object.keys(change).length === 0) return;
    await units.run(async (unit) => {
      const agent = await loadAgent(unit, agentId);
      if (!isLive(agent.lifecycle)) return;
      const observed = observe(withConfirmation(agent).observed, verdict);
      const lifecycle = agent.lifecycle === 'executing' && observed.state === 'waiting' ? 'waiting' : agent.lifecycle;
      const resumed = lifecycle === 'waiting' && observed.state === 'busy' ? 'executing' : lifecycle;
      await changeAgent(unit, agent, { ...change, observed, lifecycle: resumed }, 'agent:state');
    });
  }

  return {
    report,
    async bridgeEvent(agentId, event, atMs) {
      const verdict = verdictOf(event);
      const change: AgentChange = event.kind === 'session' && event.file ? { sessionFile: event.file } : {};
      if (verdict) await report(agentId, { ...verdict, atMs }, change);
      else if (change.sessionFile) await storeField(units, agentId, change);
    },
    async proxyActivity(activity) {
      const verdict = verdictOfTraffic(activity);
      if (verdict) await report(activity.agentId, { ...verdict, atMs: activity.at });
    },
    confirm: (agentId, atMs) => void confirmed.set(agentId, Math.max(atMs, confirmed.get(agentId) ?? 0)),
    fresh: withConfirmation,
    forget: (agentId) => void confirmed.delete(agentId),
  };

  async function storeField(work: UnitOfWork, agentId: string, change: AgentChange): Promise<void> {
    const known = await options.findAgent(agentId);
    if (!known || known.sessionFile === change.sessionFile) return;
    await work.run(async (unit) => {
      await changeAgent(unit, await loadAgent(unit, agentId), change, 'agent:state');
    });
    options.log.debug({ agentId, at: clock.now() }, 'session file known');
  }
}

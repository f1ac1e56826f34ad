/**
 * What an agent is doing, from every source that knows something: its bridge, the proxy's traffic, its title, its
 * screen, its process. What each source says is kept; state.ts judges it, and only changes of the verdict are stored.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Activity } from '../costs/schema.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import type { AgentEvent } from './bridge-protocol.ts';
import { type AgentChange, changeAgent, changeIfSame, loadAgent, movedLifecycle } from './changes.ts';
import type { Agent, Lifecycle, ObservedState, StateSource } from './schema.ts';
import {
  type Asked,
  confirmed,
  type Evidence,
  type EvidenceBySource,
  isLive,
  judge,
  type Parked,
  remembered,
  type StateReport,
  shown,
  withAsked,
  withParking,
  withReport,
} from './state.ts';
import { verdictOf, verdictOfTraffic } from './verdicts.ts';

export interface ObservationOptions {
  units: UnitOfWork;
  findAgent: (id: string) => Promise<Agent | undefined>;
  /** As it was told of last: an event comes after its commit, so this may be behind. */
  toldOf: (id: string) => Promise<Agent | undefined>;
  clock: Clock;
  log: Log;
}

export interface Observation {
  /** Takes a verdict; the state of the agent changes only when it is the best that is known. */
  report(agentId: string, report: StateReport, change?: AgentChange): Promise<void>;
  /** Translates a bridge event; events of another generation are ignored by the caller. */
  bridgeEvent(agentId: string, event: AgentEvent, atMs: number, source?: StateSource): Promise<void>;
  proxyActivity(activity: Activity): Promise<void>;
  /** Takes what the row says as said, where no source spoke yet: it grows old like everything else. */
  adopt(agent: Agent): void;
  /** Sources that hold stand by their verdict at this time; nothing is written. */
  confirm(agentId: string, atMs: number, holds: (evidence: Evidence) => boolean): void;
  /** Says that an agent may not go on for now, or that it may again. */
  park(agentId: string, parked: Parked | undefined): Promise<void>;
  /** The agent waits for the answer of a person until the returned function is called. */
  asks(agentId: string, asked: Asked): Promise<() => Promise<void>>;
  /** Judges again: what nobody confirmed for long is not known any more. */
  review(agent: Agent): Promise<void>;
  /** The stored state with the time it was last confirmed. */
  fresh(agent: Agent): Agent;
  /** What the sources say now. */
  evidence(agentId: string): EvidenceBySource;
  forget(agentId: string): void;
}

type Shown = Pick<ObservedState, 'state' | 'source' | 'detail' | 'question'>;

function sameShown(a: Shown | Evidence, b: ObservedState): boolean {
  return a.state === b.state && a.source === b.source && a.detail === b.detail && a.question?.id === b.question?.id;
}

/** A question moves a working agent to `waiting`; whatever else it does then moves it back. */
function lifecycleFor(lifecycle: Lifecycle, observed: ObservedState): 'wait' | 'input' | undefined {
  if (lifecycle === 'executing' && observed.state === 'waiting') return 'wait';
  return lifecycle === 'waiting' && ['busy', 'idle'].includes(observed.state) ? 'input' : undefined;
}

export function createObservation(options: ObservationOptions): Observation {
  const { units, clock } = options;
  const known = new Map<string, EvidenceBySource>();
  const parked = new Map<string, Parked>();
  /** Oldest first: an agent may ask several things at once. */
  const asked = new Map<string, Set<Asked>>();
  const bornMs = clock.now();

  const saidOf = (agent: Agent) => known.get(agent.id) ?? remembered(agent.observed, bornMs);
  const verdictNow = (agent: Agent, said: EvidenceBySource) =>
    withParking(withAsked(judge(said, clock.now()), asked.get(agent.id)?.values().next().value), parked.get(agent.id));

  function observedOf(agent: Agent): ObservedState {
    if (agent.lifecycle === 'paused') return agent.observed;
    const said = saidOf(agent);
    return shown(verdictNow(agent, said), said, agent.observed);
  }

  /** True when there is something to be written about an agent. */
  function saysMore(agent: Agent, change: AgentChange): boolean {
    if (!isLive(agent.lifecycle)) return false;
    return !sameShown(observedOf(agent), agent.observed) || Object.keys(change).length > 0;
  }

  /** An agent of which there are news. What was told of it last is enough to find some; that there are none only the database knows. */
  async function withNews(agentId: string, change: AgentChange): Promise<Agent | undefined> {
    const told = await options.toldOf(agentId);
    if (told && saysMore(told, change)) return told;
    const agent = await options.findAgent(agentId);
    return agent && saysMore(agent, change) ? agent : undefined;
  }

  /** Without reading it again, as long as it is what is stored and nothing but what it does has changed. */
  async function settledAsTold(unit: Unit, told: Agent, change: AgentChange): Promise<boolean> {
    const observed = observedOf(told);
    if (!saysMore(told, change) || lifecycleFor(told.lifecycle, observed)) return false;
    return (await changeIfSame(unit, told, { ...change, observed }, 'agent:state')) !== undefined;
  }

  async function settle(agentId: string, change: AgentChange = {}): Promise<void> {
    const told = await withNews(agentId, change);
    if (!told) return;
    await units.note(async (unit) => {
      if (await settledAsTold(unit, told, change)) return;
      const current = await loadAgent(unit, agentId);
      if (!saysMore(current, change)) return;
      const observed = observedOf(current);
      const action = lifecycleFor(current.lifecycle, observed);
      const moved = action ? await movedLifecycle(unit, current, action, observed.detail) : {};
      await changeAgent(unit, current, { ...change, observed, ...moved }, 'agent:state');
    });
  }

  async function report(agentId: string, verdict: StateReport, change: AgentChange = {}): Promise<void> {
    known.set(agentId, withReport(known.get(agentId) ?? {}, verdict));
    await settle(agentId, change);
  }

  async function noteSession(agentId: string, event: Extract<AgentEvent, { kind: 'session' }>): Promise<void> {
    const agent = await options.findAgent(agentId);
    const change: AgentChange = {
      ...(event.file ? { sessionFile: event.file } : {}),
      ...(event.sessionId ? { sessionId: event.sessionId } : {}),
    };
    const isNew = Object.entries(change).some(([key, value]) => agent?.[key as keyof Agent] !== value);
    if (!agent || !isNew) return;
    await units.run(async (unit) => {
      await changeAgent(unit, await loadAgent(unit, agentId), change, 'agent:state');
    });
    options.log.debug({ agentId, ...change }, 'session known');
  }

  return {
    report,
    async bridgeEvent(agentId, event, atMs, source = 'hook') {
      if (event.kind === 'session') return noteSession(agentId, event);
      const verdict = verdictOf(event);
      if (verdict) await report(agentId, { ...verdict, source, atMs });
    },
    async proxyActivity(activity) {
      const verdict = verdictOfTraffic(activity);
      if (verdict) await report(activity.agentId, { ...verdict, atMs: activity.at });
    },
    adopt(agent) {
      if (!known.has(agent.id)) known.set(agent.id, remembered(agent.observed, bornMs));
    },
    confirm(agentId, atMs, holds) {
      const evidence = known.get(agentId);
      if (evidence) known.set(agentId, confirmed(evidence, atMs, holds));
    },
    async park(agentId, parking) {
      if (parking) parked.set(agentId, parking);
      else parked.delete(agentId);
      await settle(agentId);
    },
    async asks(agentId, one) {
      const all = asked.get(agentId) ?? new Set();
      asked.set(agentId, all.add(one));
      await settle(agentId);
      return async () => {
        if (all.delete(one) && asked.get(agentId) === all) await settle(agentId);
      };
    },
    async review(agent) {
      // The row in hand says already what is to be shown: nothing more is read, or made, for it.
      if (agent.lifecycle === 'paused' || sameShown(verdictNow(agent, saidOf(agent)), agent.observed)) return;
      await settle(agent.id);
    },
    fresh: (agent) => (isLive(agent.lifecycle) ? { ...agent, observed: observedOf(agent) } : agent),
    evidence: (agentId) => known.get(agentId) ?? {},
    forget(agentId) {
      known.delete(agentId);
      parked.delete(agentId);
      asked.delete(agentId);
    },
  };
}

/** How agents end: by themselves, by a person, or by a crash. Work is snapshotted first, keys are revoked. */
import { createInTurn } from '../base/in-turn.ts';
import type { Log } from '../base/log.ts';
import { type BeadChange, changeBead } from '../beads/changes.ts';
import type { Bead, BeadStatus } from '../beads/schema.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { changeAgent, loadAgent, movedLifecycle } from './changes.ts';
import type { Held, Runner, StopProof } from './runner.ts';
import type { Agent, ObservedState } from './schema.ts';
import { isLive, isMidTurn, nextLifecycle } from './state.ts';
import { capEndText } from './text.ts';

export interface EndingOptions {
  units: UnitOfWork;
  runner: Runner;
  load: (id: string) => Promise<Agent | undefined>;
  /** Resolves when no terminal is on its way for this agent. */
  launching: (agentId: string) => Promise<void>;
  revoke: (agentId: string) => Promise<void>;
  /** Keeps uncommitted work of the agent's bead in git. */
  takeSnapshot: (agent: Agent, reason: string) => Promise<void>;
  loadBead: (unit: Unit, projectId: string, id: string) => Promise<Bead | undefined>;
  forget: (agentId: string) => void;
  /** When an agent that ended against its will is started again; undefined when a person decides. */
  nextTry: (agent: Agent, why: 'lost' | 'crashed') => Promise<{ delayMs: number; retryCount: number } | undefined>;
  log: Log;
}

export interface Ending {
  /** Stops the whole process tree; work is snapshotted before and after. With a reason it counts as failed. */
  stop(agent: Agent, failed?: string): Promise<Agent>;
  /** Ends processes that outlived the terminal of an agent. */
  sweep(agent: Agent): Promise<void>;
  /** The program ended by itself. */
  exited(agent: Agent, held: Pick<Held, 'exitCode' | 'exitSignal'> | undefined): Promise<void>;
  snapshot(agent: Agent, reason: string): Promise<void>;
  /** Gives a bead back that an agent could not start on. */
  releaseBead(agent: Agent, status: BeadStatus): Promise<void>;
}

function ended(unit: Unit, state: 'exited' | 'failed', detail: string | undefined): ObservedState {
  return { state, source: 'process', at: unit.now, since: unit.now, ...(detail === undefined ? {} : { detail }) };
}

const NO_PROOF: StopProof = { seen: [], left: [], signal: 'none' };

async function markStopped(unit: Unit, known: Agent, proof: StopProof, failed: string | undefined): Promise<Agent> {
  const left = proof.left.length > 0 ? `processes left: ${proof.left.join(', ')}` : failed;
  const observed = ended(unit, left ? 'failed' : 'exited', left);
  const action = failed === undefined ? 'kill' : 'fail';
  const moved = nextLifecycle(known.lifecycle, action) ? await movedLifecycle(unit, known, action, left) : {};
  const change = {
    ...moved,
    observed,
    pane: undefined,
    pid: undefined,
    lastError: left,
    attention: undefined,
    retryAt: undefined,
  };
  return changeAgent(unit, known, change, failed === undefined ? 'agent:kill' : 'agent:error', {
    proof,
    message: left,
  });
}

export function createEnding(options: EndingOptions): Ending {
  const { units, runner } = options;

  async function snapshot(agent: Agent, reason: string): Promise<void> {
    try {
      await options.takeSnapshot(agent, reason);
    } catch (error) {
      options.log.error({ agentId: agent.id, error }, 'snapshot failed');
    }
  }

  /** One end of an agent at a time: what dies because it is stopped must not be taken for a crash and started again. */
  const inTurn = createInTurn();

  /**
   * Ends an agent that has no terminal yet. Its row says so first, and a launch that is on its way sees that; what it had
   * already started is ended by itself before it answers.
   */
  async function stopEarly(agent: Agent, failed: string | undefined): Promise<Agent | undefined> {
    const stopped = await units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
      return known.pane === undefined ? markStopped(unit, known, NO_PROOF, failed) : undefined;
    });
    if (!stopped) return undefined;
    await options.launching(agent.id);
    await sweep(stopped);
    await options.revoke(agent.id);
    options.forget(agent.id);
    return stopped;
  }

  async function stopNow(asked: Agent, failed: string | undefined): Promise<Agent> {
    const agent = (await options.load(asked.id)) ?? asked;
    await snapshot(agent, 'stop');
    const early = agent.pane === undefined ? await stopEarly(agent, failed) : undefined;
    if (early) return early;
    const { pane = '', pid = 0, lifecycle } = (await options.load(agent.id)) ?? agent;
    const handle = { runner: agent.runner, address: pane, pid: isLive(lifecycle) ? pid : 0 };
    const proof = await runner.stop(handle, agent.id);
    await runner.release(agent.caps?.groups ?? []);
    // What the program wrote between the first snapshot and its end.
    await snapshot(agent, 'stopped');
    await options.revoke(agent.id);
    options.forget(agent.id);
    return units.run(async (unit) => markStopped(unit, await loadAgent(unit, agent.id), proof, failed));
  }

  async function sweep(agent: Agent, pid = 0): Promise<void> {
    const proof = await runner.stop({ runner: agent.runner, address: '', pid }, agent.id);
    if (proof.seen.length > 0) options.log.warn({ agentId: agent.id, proof }, 'ended what outlived its terminal');
  }

  async function exitedNow(agent: Agent, held: Parameters<Ending['exited']>[1]): Promise<void> {
    const current = await options.load(agent.id);
    if (!current || !isLive(current.lifecycle) || current.generation !== agent.generation) return;
    const groups = current.caps?.groups ?? [];
    const hits = groups.length > 0 ? await runner.capHits(groups) : undefined;
    // Before the row says that it ended: from then on its next life may begin.
    await sweep(agent, held === undefined ? 0 : agent.pid);
    await runner.release(groups);
    await snapshot(agent, 'exit');
    await options.revoke(agent.id);
    options.forget(agent.id);
    const code = held?.exitCode;
    const clean = code === 0;
    const capped = capEndText(current, held, hits);
    const detail = clean ? undefined : (capped ?? exitText(held));
    // What needs more than it may have would need it again: a person decides.
    const again =
      clean || capped !== undefined ? undefined : await options.nextTry(agent, held === undefined ? 'lost' : 'crashed');
    const closed = await units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
      if (!isLive(known.lifecycle) || known.generation !== agent.generation) return undefined;
      if (known.lifecycle === 'paused' && held === undefined) return keepPaused(unit, known);
      const moved = await endOfLife(unit, known, clean, detail);
      const observed = ended(unit, clean ? 'exited' : 'failed', detail);
      const interrupted = known.lifecycle === 'paused' ? known.interrupted : isMidTurn(known.observed, unit.nowMs);
      const change = {
        ...moved,
        observed,
        interrupted,
        exitCode: code,
        lastError: detail,
        attention: undefined,
      } as const;
      const retry = again
        ? { retryCount: again.retryCount, retryAt: new Date(unit.nowMs + again.delayMs).toISOString() }
        : {};
      // A failed program keeps its pane, so that a person can read what it said last.
      const pane = clean || held === undefined ? { pane: undefined, pid: undefined } : {};
      return changeAgent(unit, known, { ...change, ...pane, ...retry }, clean ? 'agent:complete' : 'agent:error', {
        message: detail,
      });
    });
    if (closed && clean && agent.pane !== undefined && agent.pid !== undefined) {
      await runner.stop({ runner: agent.runner, address: agent.pane, pid: agent.pid }, agent.id);
    }
  }

  return {
    stop: (agent, failed) => inTurn(agent.id, () => stopNow(agent, failed)),
    sweep: (agent) => inTurn(agent.id, () => sweep(agent)),
    exited: (agent, held) => inTurn(agent.id, () => exitedNow(agent, held)),
    snapshot,
    async releaseBead(agent, status) {
      if (agent.beadId === undefined) return;
      const { beadId } = agent;
      await units.run(async (unit) => {
        if ((await loadAgent(unit, agent.id)).generation !== agent.generation) return;
        const bead = await options.loadBead(unit, agent.projectId, beadId);
        if (!bead || bead.agent !== agent.name) return;
        const change = { status, agent: undefined } as unknown as BeadChange;
        await changeBead(unit, bead, change, `released by ${agent.name}, which could not start`);
      });
    },
  };
}

/** The terminal of a paused agent is gone: it stays paused, and comes back when it is resumed. */
function keepPaused(unit: Unit, known: Agent): Promise<Agent> {
  const observed = {
    ...known.observed,
    at: unit.now,
    detail: 'its terminal is gone; it comes back when it is resumed',
  };
  return changeAgent(unit, known, { observed, pane: undefined, pid: undefined }, 'agent:state');
}

/** A clean end completes what can be completed; a paused program that ended was ended by somebody else. */
async function endOfLife(unit: Unit, known: Agent, clean: boolean, detail: string | undefined) {
  if (!clean || !nextLifecycle(known.lifecycle, 'complete')) return movedLifecycle(unit, known, 'fail', detail);
  const completing = await movedLifecycle(unit, known, 'complete');
  return movedLifecycle(unit, { ...known, ...completing }, 'cleaned');
}

function exitText(held: Pick<Held, 'exitCode' | 'exitSignal'> | undefined): string {
  if (held === undefined) return 'its terminal is gone';
  if (held.exitSignal !== undefined) return `ended by signal ${held.exitSignal}`;
  return `exit code ${held.exitCode ?? 'unknown'}`;
}

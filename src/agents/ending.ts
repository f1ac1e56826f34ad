/** How agents end: by themselves, by a person, or by a crash. Work is snapshotted first, keys are revoked. */
import type { Log } from '../base/log.ts';
import { type BeadChange, changeBead } from '../beads/changes.ts';
import type { Bead, BeadStatus } from '../beads/schema.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { changeAgent, loadAgent, movedLifecycle } from './changes.ts';
import type { Held, Runner } from './runner.ts';
import type { Agent, ObservedState } from './schema.ts';
import { isLive, nextLifecycle } from './state.ts';

export interface EndingOptions {
  units: UnitOfWork;
  runner: Runner;
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

export function createEnding(options: EndingOptions): Ending {
  const { units, runner } = options;

  async function snapshot(agent: Agent, reason: string): Promise<void> {
    try {
      await options.takeSnapshot(agent, reason);
    } catch (error) {
      options.log.error({ agentId: agent.id, error }, 'snapshot failed');
    }
  }

  const stop: Ending['stop'] = async (agent, failed) => {
    await snapshot(agent, 'stop');
    const proof =
      agent.pane === undefined || agent.pid === undefined
        ? { seen: [], left: [], signal: 'none' as const }
        : await runner.stop({ runner: agent.runner, address: agent.pane, pid: agent.pid }, agent.id);
    // What the program wrote between the first snapshot and its end.
    await snapshot(agent, 'stopped');
    await options.revoke(agent.id);
    options.forget(agent.id);
    return units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
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
    });
  };

  const exited: Ending['exited'] = async (agent, held) => {
    await snapshot(agent, 'exit');
    await options.revoke(agent.id);
    options.forget(agent.id);
    const code = held?.exitCode;
    const clean = code === 0;
    const detail = clean ? undefined : exitText(held);
    const again = clean ? undefined : await options.nextTry(agent, held === undefined ? 'lost' : 'crashed');
    const closed = await units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
      if (!isLive(known.lifecycle) || known.generation !== agent.generation) return undefined;
      if (known.lifecycle === 'paused' && held === undefined) return keepPaused(unit, known);
      const moved = await endOfLife(unit, known, clean, detail);
      const observed = ended(unit, clean ? 'exited' : 'failed', detail);
      const change = { ...moved, observed, exitCode: code, lastError: detail, attention: undefined } as const;
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
  };

  const sweep: Ending['sweep'] = async (agent) => {
    const proof = await runner.stop({ runner: agent.runner, address: '', pid: 0 }, agent.id);
    if (proof.seen.length > 0) options.log.warn({ agentId: agent.id, proof }, 'ended what outlived its terminal');
  };

  return {
    stop,
    sweep,
    exited,
    snapshot,
    async releaseBead(agent, status) {
      if (agent.beadId === undefined) return;
      const { beadId } = agent;
      await units.run(async (unit) => {
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

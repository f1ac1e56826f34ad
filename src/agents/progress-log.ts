/** Collects the signs of progress of every live agent in memory; progress.ts judges them. */
import type { Activity } from '../costs/schema.ts';
import type { AgentEvent } from './bridge-protocol.ts';
import { keptCalls, type Signs } from './progress.ts';

interface Track {
  signs: Signs;
  /** Tool calls of this turn: what is shown, and after a NUL what tells them apart. */
  calls: string[];
  /** Finished calls of the model in this turn. */
  modelCalls: number;
}

export interface ProgressLog {
  bridgeEvent(agentId: string, event: AgentEvent, atMs: number): void;
  activity(activity: Activity): void;
  output(agentId: string, atMs: number): void;
  files(agentId: string, atMs: number): void;
  /** A person began something new. */
  newTurn(agentId: string): void;
  of(agentId: string): Track;
  forget(agentId: string): void;
}

/** Calls kept: enough for the longest cycle at any sensible setting. */
const MOST_CALLS = keptCalls(50);

export function createProgressLog(now: () => number): ProgressLog {
  const tracks = new Map<string, Track>();

  function of(agentId: string): Track {
    const known = tracks.get(agentId);
    if (known) return known;
    // An agent that was just met is given the benefit of the doubt: it moved now.
    const track: Track = {
      signs: { trafficMs: now(), outputMs: 0, filesMs: 0, inFlight: 0 },
      calls: [],
      modelCalls: 0,
    };
    tracks.set(agentId, track);
    return track;
  }

  function newTurn(agentId: string): void {
    Object.assign(of(agentId), { calls: [], modelCalls: 0 });
  }

  return {
    of,
    newTurn,
    bridgeEvent(agentId, event, atMs) {
      const track = of(agentId);
      track.signs.trafficMs = Math.max(track.signs.trafficMs, atMs);
      if (event.kind === 'turn-start' || event.kind === 'settled') newTurn(agentId);
      if (event.kind === 'tool-start') {
        track.calls.push(`${event.tool}: ${event.summary ?? ''}\u0000${event.digest ?? ''}`);
        if (track.calls.length > MOST_CALLS) track.calls.shift();
      }
    },
    activity(activity) {
      const track = of(activity.agentId);
      track.signs.trafficMs = Math.max(track.signs.trafficMs, activity.at);
      track.signs.inFlight = activity.inFlight;
      if (activity.outcome !== undefined) track.modelCalls += 1;
    },
    output(agentId, atMs) {
      const { signs } = of(agentId);
      signs.outputMs = Math.max(signs.outputMs, atMs);
    },
    files(agentId, atMs) {
      const { signs } = of(agentId);
      signs.filesMs = Math.max(signs.filesMs, atMs);
    },
    forget: (agentId) => void tracks.delete(agentId),
  };
}

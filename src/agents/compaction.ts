/** Asking a program to make its own conversation shorter, and waiting for its word that it did. */
import { newId } from '../base/id.ts';

/** A summary is one answer of a model over the whole conversation. */
const COMPACT_MS = 300_000;

export interface Compaction {
  /** Resolves with nothing when it is done, else with why it is not. */
  ask(agentId: string): Promise<string | undefined>;
  /** What the program says about what was asked with this id. */
  said(id: string, problem?: string): void;
}

/** `send` hands the wish to the agent's side; false when that is not connected. */
export function createCompaction(send: (agentId: string, id: string) => boolean): Compaction {
  const waiting = new Map<string, (problem?: string) => void>();
  return {
    async ask(agentId) {
      const id = newId();
      const answer = new Promise<string | undefined>((resolve) => {
        const timer = setTimeout(() => settle('it has not answered'), COMPACT_MS);
        const settle = (problem?: string) => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(problem);
        };
        waiting.set(id, settle);
      });
      if (!send(agentId, id)) waiting.get(id)?.('it is not connected');
      return answer;
    },
    said: (id, problem) => waiting.get(id)?.(problem),
  };
}

/**
 * After a fallback an agent stays with the target that answered for a while: its prompt cache is warm there. Kept for a
 * bounded number of agents and forgotten by itself.
 */
import { putNewest } from '../src/base/newest.ts';
import type { Job } from './job.ts';
import { type Candidate, nameOf } from './routing.ts';

export interface Stickiness {
  /** The candidates with the one that answered last in front. */
  order(job: Job, candidates: readonly Candidate[]): readonly Candidate[];
  note(job: Job, candidate: Candidate): void;
}

/** Prompt caches live about this long (ms) after their last use. */
const WARM_MS = 5 * 60_000;
const MOST = 10_000;

export function createStickiness(now: () => number): Stickiness {
  const last = new Map<string, { name: string; at: number }>();
  const idOf = ({ purse, fields }: Job) => `${purse.key.agentId ?? purse.key.hash} ${fields.model}`;
  return {
    order(job, candidates) {
      if (candidates.length < 2) return candidates;
      const known = last.get(idOf(job));
      if (!known || now() - known.at > WARM_MS) return candidates;
      const index = candidates.findIndex((candidate) => nameOf(candidate) === known.name);
      const found = candidates[index];
      return index > 0 && found ? [found, ...candidates.filter((candidate) => candidate !== found)] : candidates;
    },
    note(job, candidate) {
      if (job.candidates.length < 2) return;
      putNewest(last, idOf(job), { name: nameOf(candidate), at: now() }, MOST);
    },
  };
}

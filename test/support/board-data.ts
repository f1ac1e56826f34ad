/** Beads, agents and snapshots made up for tests of the terminal face. */
import type { Agent, AgentState } from '../../src/agents/schema.ts';
import type { Bead, BeadStatus } from '../../src/beads/schema.ts';
import type { Entry, Queue } from '../../src/merge/schema.ts';
import { emptyQueue } from '../../src/merge/state.ts';
import type { BoardSnapshot } from '../../src/system/schema.ts';

export const PROJECT_ID = 'project-1';
const EPOCH = Date.parse('2026-11-21T10:00:00.000Z');

const TITLES = [
  'Fix login when the token expires in the middle of a request',
  'Write the manual page',
  'Make the parser accept CRLF line ends and a byte order mark',
  '🚀 Release checklist für März',
  '日本語のタイトルはここにあります、とても長い',
  'Refactor the storage seam so that a second dialect fits',
  'Cache the compiled templates',
  'Report the exit code of the gate in the review popup',
];
const STATUSES: readonly BeadStatus[] = ['open', 'open', 'in-progress', 'open', 'review', 'done', 'open', 'done'];
const TYPES = ['task', 'bug', 'feature', 'refactor'] as const;
const PRIORITIES = ['medium', 'critical', 'high', 'low', 'medium'] as const;

export function idOf(index: number): string {
  return `godel-${index.toString(36).padStart(5, 'a')}`;
}

export function makeBead(index: number, changes: Partial<Bead> = {}): Bead {
  const at = new Date(EPOCH + index * 1000).toISOString();
  return {
    id: idOf(index),
    uid: `uid-${index}`,
    projectId: PROJECT_ID,
    type: TYPES[index % TYPES.length] ?? 'task',
    title: TITLES[index % TITLES.length] ?? 'A bead',
    status: STATUSES[index % STATUSES.length] ?? 'open',
    priority: PRIORITIES[index % PRIORITIES.length] ?? 'medium',
    labels: index % 4 === 0 ? ['parser'] : [],
    commits: [],
    blockedBy: [],
    related: [],
    discoveredFrom: [],
    notes: [],
    metadata: {},
    createdAt: at,
    updatedAt: at,
    version: 1,
    ...changes,
  };
}

export function makeAgent(index: number, state: AgentState, changes: Partial<Agent> = {}, sinceMs = EPOCH): Agent {
  const at = new Date(sinceMs).toISOString();
  return {
    id: `agent-${index}`,
    projectId: PROJECT_ID,
    name: `worker-${index}`,
    role: 'worker',
    runtime: 'pi',
    runner: 'local',
    headless: false,
    lifecycle:
      state === 'failed'
        ? 'failed'
        : state === 'exited'
          ? 'completed'
          : state === 'paused'
            ? 'paused'
            : state === 'waiting'
              ? 'waiting'
              : 'executing',
    observed: { state, source: 'protocol', at, since: at },
    generation: 1,
    retryCount: 0,
    maxRetries: 3,
    createdAt: at,
    updatedAt: at,
    version: 1,
    ...changes,
  };
}

export function makeEntry(bead: Bead, changes: Partial<Entry> = {}): Entry {
  const at = new Date(EPOCH).toISOString();
  return {
    id: `entry-${bead.id}`,
    projectId: bead.projectId,
    beadId: bead.id,
    kind: 'work',
    title: bead.title,
    author: 'me',
    priority: bead.priority,
    enqueuedAt: at,
    mainAt: '0'.repeat(40),
    pin: '1'.repeat(40),
    status: 'queued',
    conflicts: [],
    waitsFor: [],
    gateRuns: 0,
    flakes: 0,
    released: false,
    history: [],
    updatedAt: at,
    version: 1,
    ...changes,
  };
}

export const makeQueue = (changes: Partial<Queue> = {}): Queue => ({ ...emptyQueue(PROJECT_ID), ...changes });

export function makeSnapshot(beads: Bead[], agents: Agent[] = [], changes: Partial<BoardSnapshot> = {}): BoardSnapshot {
  return {
    seq: 10,
    project: {
      id: PROJECT_ID,
      tenantId: 'default',
      name: 'main-repo',
      path: '/repo',
      gitDir: '/repo/.git',
      mainBranch: 'main',
      createdAt: new Date(EPOCH).toISOString(),
    },
    beads,
    convoys: [],
    inbox: [],
    agents,
    merge: { queue: makeQueue(), slots: 1, entries: [], overlaps: [] },
    spentUsd: 1.2345,
    needsSetup: false,
    ...changes,
  };
}

/** A lively board: `count` beads and a handful of agents in different states. */
export function sampleSnapshot(count: number, nowMs: number, isQuiet = false): BoardSnapshot {
  const beads = Array.from({ length: count }, (_, index) => makeBead(index));
  const working = beads.filter((bead) => bead.status === 'in-progress').slice(0, 4);
  const states: readonly AgentState[] = isQuiet
    ? ['idle', 'paused', 'idle', 'failed']
    : ['busy', 'waiting', 'idle', 'failed'];
  const agents = working.map((bead, index) => {
    bead.agent = `worker-${index}`;
    bead.branch = `bead/${bead.id}`;
    const state = states[index] ?? 'idle';
    const detail =
      state === 'waiting'
        ? 'Shall I overwrite config.yaml, which has local changes?'
        : state === 'busy'
          ? 'bash: npm test'
          : undefined;
    const agent = makeAgent(
      index,
      state,
      { beadId: bead.id, ...(state === 'failed' ? { lastError: 'the provider refused the key' } : {}) },
      nowMs - 42_000 * (index + 1),
    );
    return detail === undefined ? agent : { ...agent, observed: { ...agent.observed, detail } };
  });
  for (const bead of beads) if (bead.status === 'review') bead.branch = `bead/${bead.id}`;
  const blocked = beads[1];
  if (blocked && beads[0]) blocked.blockedBy = [beads[0].id];
  return makeSnapshot(beads, agents);
}

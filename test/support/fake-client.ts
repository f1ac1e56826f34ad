/** A daemon in memory behind the client's interface: real rules for moves, events for every change. */
import type { Agent } from '../../src/agents/schema.ts';
import type { GodelEvent } from '../../src/base/event.ts';
import type { InputOf, OutputOf } from '../../src/base/operation.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { actionBetween } from '../../src/beads/state.ts';
import type { EventsOptions } from '../../src/client/events.ts';
import type { Convoy } from '../../src/convoys/schema.ts';
import { failure } from '../../src/errors.ts';
import type { Operations } from '../../src/operations.ts';
import type { BoardSnapshot } from '../../src/system/schema.ts';
import type { BoardClient } from '../../tui/ports.ts';
import { makeAgent, makeBead, makeEntry } from './board-data.ts';

export interface FakeClient extends BoardClient {
  readonly calls: { operation: keyof Operations; input: unknown }[];
  readonly state: BoardSnapshot;
  /** Answers for operations that the fake does not know, or must refuse. */
  readonly answers: Map<keyof Operations, (input: unknown) => unknown>;
  emit(type: string, payload: Record<string, unknown>): void;
  /** Cuts every stream and refuses calls until `revive`. */
  die(): void;
  revive(): void;
  resync(): void;
}

export function createFakeClient(state: BoardSnapshot): FakeClient {
  const subscribers = new Set<EventsOptions>();
  const calls: FakeClient['calls'] = [];
  const answers: FakeClient['answers'] = new Map();
  let isDead = false;

  const emit: FakeClient['emit'] = (type, payload) => {
    state.seq += 1;
    const event: GodelEvent = {
      seq: state.seq,
      id: `e${state.seq}`,
      type,
      timestamp: Date.now(),
      source: { component: 'test' },
      payload,
      metadata: {},
    };
    for (const subscription of [...subscribers]) if (event.seq > subscription.since) subscription.onEvent(event);
  };

  const beadOf = (id: string): Bead => {
    const bead = state.beads.find((one) => one.id === id);
    if (!bead) throw failure('bead-not-found', { id });
    return bead;
  };
  const write = (bead: Bead, changes: Partial<Bead>): Bead => {
    const next = { ...bead, ...changes, version: bead.version + 1 };
    state.beads = state.beads.map((one) => (one.id === bead.id ? next : one));
    emit('bead:updated', { bead: next, changed: Object.keys(changes) });
    return next;
  };
  const writeAgent = (id: string, changes: Partial<Agent>): Agent => {
    const agent = state.agents.find((one) => one.id === id);
    if (!agent) throw failure('agent-not-found', { id });
    const next = { ...agent, ...changes, version: agent.version + 1 };
    state.agents = state.agents.map((one) => (one.id === id ? next : one));
    emit('agent:state', { agent: next });
    return next;
  };

  const writeConvoy = (id: string, status: Convoy['status']): Convoy => {
    const convoy = state.convoys.find((one) => one.id === id);
    if (!convoy) throw failure('convoy-not-found', { id });
    const next = { ...convoy, status, version: convoy.version + 1 };
    state.convoys = state.convoys.map((one) => (one.id === id ? next : one));
    emit('convoy:updated', { convoy: next });
    return next;
  };

  const handlers: { [K in keyof Operations]?: (input: InputOf<Operations[K]>) => OutputOf<Operations[K]> } = {
    projectSuggest: () => ({ file: 'package-lock.json', setupCommand: 'npm ci', proofCommand: 'npm test' }),
    boardShow: () => structuredClone(state),
    beadCreate: ({ title, description }) => {
      const bead = makeBead(state.beads.length, {
        title: title ?? '',
        status: 'open',
        ...(description ? { description } : {}),
      });
      state.beads = [...state.beads, bead];
      emit('bead:created', { bead });
      return bead;
    },
    beadStatus: ({ id, status }) => {
      const bead = beadOf(id);
      if (!status) return bead;
      if (!actionBetween(bead.status, status))
        throw failure('transition-refused', { id, from: bead.status, to: status, possible: [] });
      return write(bead, { status });
    },
    beadUpdate: ({ id, title, priority }) =>
      write(beadOf(id), { ...(title ? { title } : {}), ...(priority ? { priority } : {}) }),
    beadBulk: ({ ids, status, priority }) => ({
      items: ids.map((id) => {
        const bead = write(beadOf(id), { ...(status ? { status } : {}), ...(priority ? { priority } : {}) });
        return { id, changed: true, bead };
      }),
    }),
    agentSpawn: ({ bead: id }) => {
      const agent = makeAgent(state.agents.length, 'starting', id ? { beadId: id } : {}, Date.now());
      state.agents = [...state.agents, agent];
      emit('agent:created', { agent });
      if (id) write(beadOf(id), { status: 'in-progress', agent: agent.name });
      return { items: [agent] };
    },
    agentStop: ({ id }) => writeAgent(id, { lifecycle: 'killed' }),
    agentPause: ({ id }) => writeAgent(id, { lifecycle: 'paused' }),
    agentResume: ({ id }) => writeAgent(id, { lifecycle: 'executing' }),
    beadSearch: ({ text }) => {
      const words = text.toLowerCase().split(' ');
      const holds = (bead: Bead) => words.every((word) => JSON.stringify(bead).toLowerCase().includes(word));
      return { items: state.beads.filter(holds).map((bead) => ({ bead, excerpt: bead.title })), hasMore: false };
    },
    convoyArchive: ({ id }) => writeConvoy(id, 'archived'),
    convoyRestore: ({ id }) => writeConvoy(id, 'active'),
    boardFocus: ({ agent }) => ({ focused: agent ?? 'board' }),
    boardPopup: () => ({ opened: true }),
    configShow: () => ({ items: [], origin: false }),
    providerList: () => ({ items: [] }),
    configSet: ({ key, value }) => ({ key, value, origin: 'test', description: '' }),
    reviewAccept: ({ id }) => {
      const bead = write(beadOf(id), { status: 'done' });
      const commit = 'a'.repeat(40);
      const gate = { command: 'npm test', exitCode: 0, durationMs: 5, commit, cached: false };
      return { bead, entry: makeEntry(bead, { status: 'landed', landedCommit: commit, gate }), commit, gate };
    },
    reviewReturn: ({ id }) => ({ bead: write(beadOf(id), { status: 'in-progress' }), delivery: 'queued' }),
    agentSend: ({ id, text }) => ({
      id: 'p1',
      agentId: id,
      text,
      author: 'me',
      status: 'queued',
      attempts: 0,
      createdAt: new Date().toISOString(),
    }),
  };

  return {
    calls,
    state,
    answers,
    emit,
    async call(operation, input) {
      await Promise.resolve();
      if (isDead) throw failure('daemon-unreachable', { problem: 'connect ENOENT daemon.sock' });
      calls.push({ operation, input });
      const answer = answers.get(operation);
      if (answer) return answer(input) as never;
      const handler = handlers[operation] as ((value: unknown) => unknown) | undefined;
      if (!handler) throw failure('internal', { problem: `the fake has no ${operation}` });
      return handler(input) as never;
    },
    async events(subscription) {
      await Promise.resolve();
      subscribers.add(subscription);
      subscription.signal.addEventListener('abort', () => subscribers.delete(subscription));
      subscription.onConnection?.(true);
    },
    die() {
      isDead = true;
      for (const subscription of [...subscribers]) subscription.onConnection?.(false);
    },
    revive() {
      isDead = false;
    },
    resync() {
      for (const subscription of [...subscribers]) subscription.onResync();
    },
  };
}

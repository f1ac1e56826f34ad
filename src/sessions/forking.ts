/** Forks: another agent that goes on with a copy of a conversation, on a bead, a branch and files of its own. */
import type { Actor } from '../access/schema.ts';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { NativeHistory } from '../agents/runtime.ts';
import type { Agent } from '../agents/schema.ts';
import { insertAgent, queuePrompt } from '../agents/store.ts';
import { newId } from '../base/id.ts';
import { createBead } from '../beads/creating.ts';
import type { Bead } from '../beads/schema.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { createSession } from './changes.ts';
import type { Carried, Moving } from './moving.ts';
import type { Code, Session } from './schema.ts';
import { carriedOver, forkedText } from './words.ts';

export interface ForkingOptions {
  units: UnitOfWork;
  moving: Moving;
  historyOf: (runtime: string) => NativeHistory | undefined;
  homeOf: (agentId: string) => string;
  findBead: (projectId: string, id: string) => Promise<Bead>;
  /** Worktree of a bead, made when it is missing; its path. */
  makeWorktree: (projectId: string, beadId: string) => Promise<string>;
  projectPath: (projectId: string) => Promise<string>;
  putBack: (projectId: string, beadId: string, code: Code) => Promise<void>;
  takeBead: (unit: Unit, bead: Bead, name: string) => Promise<void>;
  begin: (agent: Agent, bead: Bead | undefined) => Promise<Agent>;
}

export interface ForkWish {
  from: Session;
  turn: string | null;
  /** Commit of a checkpoint that has the conversation. */
  kept?: string | undefined;
  code?: Code | undefined;
  /** The agent that is copied. */
  agent: Agent;
  name: string;
  runtime: string;
  title?: string | undefined;
  prompt?: string | undefined;
  actor: Actor;
}

export interface Forked {
  agent: Agent;
  bead?: Bead | undefined;
  carried: Carried;
}

export interface Forking {
  fork(wish: ForkWish): Promise<Forked>;
}

/** The copy as a row: what the one it comes from is, without its life. */
function copyOf(agent: Agent, wish: ForkWish, now: string): Agent {
  const { role, runner, model, provider, headless, command, maxRetries, budgetUsd, timeLimitMinutes } = agent;
  const kept = { role, runner, model, provider, headless, command, maxRetries, budgetUsd, timeLimitMinutes };
  return {
    ...(Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as typeof kept),
    id: newId(),
    projectId: agent.projectId,
    name: wish.name,
    runtime: wish.runtime,
    lifecycle: 'initializing',
    observed: { state: 'starting', source: 'process', at: now, since: now },
    generation: 1,
    retryCount: 0,
    createdAt: now,
    updatedAt: now,
    version: 1,
  } as Agent;
}

export function createForking(options: ForkingOptions): Forking {
  const { units, moving } = options;

  /** A bead of its own beside the one it comes from. */
  async function makeBead(wish: ForkWish): Promise<Bead | undefined> {
    const { beadId, projectId } = wish.from;
    if (beadId === undefined) return undefined;
    const known = await options.findBead(projectId, beadId);
    const { type, priority, labels, description, parentBead } = known;
    const title = wish.title ?? `${known.title} (fork)`.slice(0, 500);
    return units.run((unit) =>
      createBead(
        unit,
        projectId,
        { title, description, type, priority, labels, parentBead, blockedBy: [], related: [known.id] },
        wish.actor,
      ),
    );
  }

  async function makePlace(wish: ForkWish, bead: Bead | undefined): Promise<string> {
    const { projectId } = wish.from;
    if (!bead) return options.projectPath(projectId);
    const path = await options.makeWorktree(projectId, bead.id);
    if (wish.code) await options.putBack(projectId, bead.id, { ...wish.code, branch: `bead/${bead.id}` });
    return path;
  }

  async function carry(wish: ForkWish, agent: Agent, cwd: string) {
    const { from, turn, kept, runtime } = wish;
    const { projectId } = from;
    const loaded = await moving.load({ from, turn, kept, projectId });
    const how = moving.carriedBy({ from, turn, runtime, isTold: false });
    const history = options.historyOf(runtime);
    const to = { name: agent.name, worktree: cwd, beadId: agent.beadId };
    if (how === 'native' && history?.plant && loaded.text !== undefined && turn !== null) {
      const home = options.homeOf(agent.id);
      const spec = { home, cwd, text: loaded.text, turn, id: newId(), atMs: Date.parse(agent.createdAt) };
      return { how, place: await history.plant(spec), text: forkedText(to, wish.prompt) };
    }
    const file = await moving.writeTranscript(agent.id, from, loaded.turns);
    const prompt = forkedText(to, wish.prompt);
    return { how, place: {}, text: how === 'new' ? prompt : carriedOver(loaded.turns, file, prompt) };
  }

  async function insert(wish: ForkWish, bead: Bead | undefined): Promise<Agent> {
    return units.run(async (unit) => {
      const agent: Agent = { ...copyOf(wish.agent, wish, unit.now), ...(bead ? { beadId: bead.id } : {}) };
      await insertAgent(unit.tx, agent);
      const metadata = { projectId: agent.projectId, agentId: agent.id, ...(bead ? { beadId: bead.id } : {}) };
      await createSession(unit, agent, { origin: 'fork', parent: wish.from, parentTurn: wish.turn ?? undefined });
      await unit.emit({ type: 'agent:created', component: 'agents', payload: { agent }, metadata });
      if (bead) await options.takeBead(unit, bead, agent.name);
      return agent;
    });
  }

  return {
    async fork(wish) {
      const bead = await makeBead(wish);
      const cwd = await makePlace(wish, bead);
      const agent = await insert(wish, bead);
      const { how, place, text } = await carry(wish, agent, cwd);
      const ready = await units.run(async (unit) => {
        const prompt = {
          id: newId(),
          agentId: agent.id,
          text,
          author: wish.actor.name,
          when: 'after-turn',
          now: unit.now,
        };
        await queuePrompt(unit.tx, prompt);
        return changeAgent(unit, await loadAgent(unit, agent.id), place, 'agent:state');
      });
      return { agent: await options.begin(ready, bead), bead, carried: how };
    },
  };
}

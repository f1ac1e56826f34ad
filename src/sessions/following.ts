/** Keeps the newest session of every agent the same as the agent: made when the agent is, ended when it ends. */
import type { Agent } from '../agents/schema.ts';
import type { Database } from '../storage/database.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { changeSession, createSession, moveSession, placeOf } from './changes.ts';
import type { Session } from './schema.ts';
import { actionFor } from './state.ts';
import { newestSession } from './store.ts';

export interface Following {
  /** Resolves when the session tells what the agent is now. */
  follow(agent: Agent): Promise<void>;
}

/** Fields that differ between an agent and its session; what the agent does not know any more is kept. */
function placeChange(session: Session, agent: Agent): Partial<Session> {
  const entries = Object.entries(placeOf(agent)).filter(
    ([key, value]) => value !== undefined && session[key as keyof Session] !== value,
  );
  return Object.fromEntries(entries);
}

export function createFollowing(options: { database: Database; units: UnitOfWork }): Following {
  const { database, units } = options;
  /** Agent -> what was last followed, so that the many events of a busy agent ask nothing of the database. */
  const seen = new Map<string, string>();

  async function bring(unit: Unit, agent: Agent): Promise<void> {
    const session = await newestSession(unit.tx, agent.id);
    if (!session) return void (await createSession(unit, agent, { origin: 'start' }));
    const change = placeChange(session, agent);
    const action = actionFor(session.status, agent.lifecycle);
    if (action) await moveSession(unit, session, action, change);
    else if (Object.keys(change).length > 0) await changeSession(unit, session, change);
  }

  async function isSettled(agent: Agent): Promise<boolean> {
    const session = await newestSession(database.db, agent.id);
    if (!session) return false;
    return (
      actionFor(session.status, agent.lifecycle) === undefined && Object.keys(placeChange(session, agent)).length === 0
    );
  }

  return {
    async follow(agent) {
      const state = JSON.stringify([agent.lifecycle, placeOf(agent)]);
      if (seen.get(agent.id) === state) return;
      if (!(await isSettled(agent))) await units.run((unit) => bring(unit, agent));
      seen.set(agent.id, state);
    },
  };
}

/** The conversation each agent is in, in memory: kept in step by what is told of each change. A turn asks for it at each rest. */
import { putNewest } from '../base/newest.ts';
import type { Session } from '../sessions/schema.ts';
import { newestSession } from '../sessions/store.ts';
import type { Core } from './core.ts';

export interface NewestSessions {
  find(agentId: string): Promise<Session | undefined>;
  /** Rows were written of which nothing was told. */
  forget(): void;
  stop(): void;
}

/** Agents whose conversation is kept; ids of sessions rise with time. */
const MOST_KEPT = 500;

export function followNewestSessions({ bus, database }: Pick<Core, 'bus' | 'database'>): NewestSessions {
  const known = new Map<string, Session>();
  let changes = 0;

  function note(session: Session): void {
    const before = known.get(session.agentId);
    if (before && (before.id > session.id || (before.id === session.id && before.version > session.version))) return;
    putNewest(known, session.agentId, session, MOST_KEPT);
  }

  const unsubscribe = bus.subscribe(({ type, payload }) => {
    if (!type.startsWith('session:')) return;
    const { session } = payload as { session?: Session };
    changes += 1;
    // Of an agent that is not known an older conversation may be the one that changed.
    if (session && (type === 'session:created' || known.has(session.agentId))) note(session);
  });

  return {
    async find(agentId) {
      const session = known.get(agentId);
      if (session) return session;
      const before = changes;
      const found = await newestSession(database.db, agentId);
      if (found && changes === before) note(found);
      return found;
    },
    forget: () => known.clear(),
    stop() {
      unsubscribe();
      known.clear();
    },
  };
}

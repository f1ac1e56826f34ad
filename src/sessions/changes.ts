/** How a session changes: transition checked, row + event in one unit. */
import type { Agent } from '../agents/schema.ts';
import { newId } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import type { Session, SessionOrigin } from './schema.ts';
import { firstStatus, nextSessionStatus, type SessionAction } from './state.ts';
import { insertSession, saveSession } from './store.ts';

type SessionChange = { [K in keyof Session]?: Session[K] | undefined };

function metadataOf(session: Session): { projectId: string; agentId: string; beadId?: string } {
  const { projectId, agentId, beadId } = session;
  return { projectId, agentId, ...(beadId === undefined ? {} : { beadId }) };
}

/** What a session takes over from its agent. */
export const placeOf = (agent: Agent) => ({
  agentName: agent.name,
  beadId: agent.beadId,
  runtime: agent.runtime,
  runner: agent.runner,
  model: agent.model,
  worktree: agent.worktree,
  file: agent.sessionFile,
  nativeId: agent.sessionId,
});

/** Fields without those that are undefined. */
function given(change: SessionChange): Partial<Session> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

/** The session an agent is in from now on. */
export async function createSession(
  unit: Unit,
  agent: Agent,
  from: { origin: SessionOrigin; parent?: Session | undefined; parentTurn?: string | undefined },
): Promise<Session> {
  const { origin, parent, parentTurn } = from;
  const session = {
    id: newId(),
    projectId: agent.projectId,
    agentId: agent.id,
    status: firstStatus(agent.lifecycle),
    origin,
    depth: parent ? parent.depth + 1 : 0,
    ...given({ ...placeOf(agent), parentId: parent?.id, parentTurn }),
    createdAt: unit.now,
    updatedAt: unit.now,
    version: 1,
  } as Session;
  await insertSession(unit.tx, session);
  await unit.emit({
    type: 'session:created',
    component: 'sessions',
    payload: { session },
    metadata: metadataOf(session),
  });
  return session;
}

/** Saves a change of fields with its event. */
export async function changeSession(unit: Unit, session: Session, change: SessionChange): Promise<Session> {
  const merged: Record<string, unknown> = { ...session, ...change, updatedAt: unit.now };
  for (const key of Object.keys(merged)) if (merged[key] === undefined) delete merged[key];
  const saved = await saveSession(unit.tx, merged as Session);
  await unit.emit({
    type: 'session:updated',
    component: 'sessions',
    payload: { session: saved },
    metadata: metadataOf(saved),
  });
  return saved;
}

/** Applies an action. @throws GodelError transition-refused */
export async function moveSession(
  unit: Unit,
  session: Session,
  action: SessionAction,
  change: SessionChange = {},
): Promise<Session> {
  const status = nextSessionStatus(session.status, action);
  if (!status) {
    const hint =
      action === 'archive'
        ? `godel agent stop ${session.agentName} ends it first.`
        : `godel session show ${session.id}`;
    throw failure('transition-refused', { id: `session ${session.id}`, from: session.status, to: action, hint });
  }
  const isOver = status === 'completed' || status === 'failed';
  const times = {
    completedAt: isOver ? (session.completedAt ?? unit.now) : status === 'archived' ? session.completedAt : undefined,
    archivedAt: status === 'archived' ? unit.now : undefined,
  };
  return changeSession(unit, session, { ...change, ...times, status });
}

/** One handler an operation that reads sessions. */
import type { Handlers } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import { checkpointsOf } from './checkpoint-store.ts';
import type { sessionOperations } from './operations.ts';
import type { Reading } from './reading.ts';
import type { Checkpoint, SearchHit, Session, SessionTurn } from './schema.ts';
import { childSessions, listSessions, resolveSession } from './store.ts';
import { type Mark, markdown, shortId } from './text.ts';
import { currentTurn } from './turns.ts';

export interface SessionServiceOptions {
  database: Database;
  clock: Clock;
  reading: Reading;
  /** Resolves when every session tells what its agent is now. */
  settled: () => Promise<void>;
  agentId: (projectId: string, text: string) => Promise<string>;
  beadId: (projectId: string, text: string) => Promise<string>;
}

type Service = Handlers<typeof sessionOperations>;

const SEARCH_MS = 5_000;
const MOST_SEARCHED = 2_000;
const AROUND = 60;

/** A few words around the first place where a turn has the text. */
function excerptOf(turn: SessionTurn, wanted: string): string | undefined {
  const calls = turn.calls.map((call) => JSON.stringify(call.input));
  const text = [turn.text, ...calls].join(' ').replaceAll(/\s+/g, ' ');
  const at = text.toLowerCase().indexOf(wanted);
  if (at < 0) return undefined;
  const [from, to] = [Math.max(0, at - AROUND), at + wanted.length + AROUND];
  return `${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`;
}

const childMark = (child: Session): Mark => ({
  turn: child.parentTurn ?? null,
  text: `↳ ${child.origin}: session ${shortId(child.id)} of ${child.agentName}`,
});

const checkpointMark = (checkpoint: Checkpoint): Mark => ({
  turn: checkpoint.turn,
  text: `* checkpoint ${checkpoint.name ?? shortId(checkpoint.id)} (${checkpoint.reason})`,
  checkpoint: checkpoint.id,
});

export function createSessionService(options: SessionServiceOptions): Service {
  const { database, reading, clock } = options;

  async function resolve(projectId: string, text: string): Promise<Session> {
    await options.settled();
    return resolveSession(database.db, projectId, text);
  }

  async function filterOf(projectId: string, input: { agent?: string | undefined; bead?: string | undefined }) {
    await options.settled();
    return {
      ...(input.agent === undefined ? {} : { agentId: await options.agentId(projectId, input.agent) }),
      ...(input.bead === undefined ? {} : { beadId: await options.beadId(projectId, input.bead) }),
    };
  }

  const search: Service['sessionSearch'] = async (input, { projectId, signal }) => {
    const wanted = input.text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
    const filter = { ...(await filterOf(projectId, input)), all: true, limit: MOST_SEARCHED };
    const page = await listSessions(database.db, projectId, filter);
    const deadline = clock.now() + SEARCH_MS;
    const items: SearchHit[] = [];
    let searched = 0;
    for (const session of page.items) {
      if (items.length >= input.limit || clock.now() > deadline || signal.aborted) break;
      searched += 1;
      const { turns } = await reading.read(session);
      for (const turn of turns) {
        const excerpt = excerptOf(turn, wanted);
        if (excerpt === undefined) continue;
        const { id: sessionId, agentName, beadId } = session;
        const place = { sessionId, agentName, ...(beadId === undefined ? {} : { beadId }), turn: turn.id };
        items.push({ ...place, role: turn.role, ...(turn.at === undefined ? {} : { at: turn.at }), excerpt });
      }
    }
    const complete = searched === page.items.length && !page.pagination.hasMore && items.length <= input.limit;
    return { items: items.slice(0, input.limit), searched, complete };
  };

  const exported: Service['sessionExport'] = async ({ id, format }, { projectId }) => {
    const session = await resolve(projectId, id);
    const { turns, native, source } = await reading.read(session);
    if (format === 'markdown') return { session, format, text: markdown(session, turns) };
    if (format === 'jsonl') return { session, format, text: turns.map((turn) => `${JSON.stringify(turn)}\n`).join('') };
    if (format === 'json') {
      const children = await childSessions(database.db, session.id);
      const checkpoints = await checkpointsOf(database.db, session.id);
      const whole = { session, source, turns, checkpoints, children };
      return { session, format, text: `${JSON.stringify(whole, null, 2)}\n` };
    }
    if (!native) throw failure('session-not-native', { id: session.id, runtime: session.runtime });
    return { session, format, text: native.text };
  };

  return {
    async sessionList(input, { projectId }) {
      const { status, all, limit, cursor } = input;
      return listSessions(database.db, projectId, {
        ...(await filterOf(projectId, input)),
        status,
        all,
        limit,
        cursor,
      });
    },
    async sessionShow({ id }, { projectId }) {
      const session = await resolve(projectId, id);
      const [{ turns, source }, children] = [await reading.read(session), await childSessions(database.db, session.id)];
      const turn = currentTurn(turns)?.id;
      const known = { ...session, children: children.map((child) => child.id), turns: turns.length, source };
      return turn === undefined ? known : { ...known, turn };
    },
    async sessionTree({ id }, { projectId }) {
      const session = await resolve(projectId, id);
      const { turns, source } = await reading.read(session);
      const checkpoints = await checkpointsOf(database.db, session.id);
      const children = await childSessions(database.db, session.id);
      return { session, turns, marks: [...checkpoints.map(checkpointMark), ...children.map(childMark)], source };
    },
    sessionSearch: search,
    sessionExport: exported,
  };
}

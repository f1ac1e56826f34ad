/** opencode's conversations: rows of messages and their parts in a database of the agent's own, which is only read. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import type { NativeHistory } from '../../../src/agents/runtime.ts';
import type { Json } from '../../../src/base/json-lines.ts';
import { asObject, inARow, toLines, type Unlinked } from './lines.ts';

interface Row {
  id: string;
  data: string;
  at: number;
}

const SELECT_MESSAGES =
  'select id, data, time_created as at from message where session_id = ? order by time_created, id';
const SELECT_PARTS =
  'select message_id as id, data, time_created as at from part where session_id = ? order by time_created, id';

/** One line a message, with its parts. */
function load(file: string, sessionId: string): string {
  const database = new SQLite(file, { readonly: true, fileMustExist: true });
  try {
    const parts = Map.groupBy(database.prepare<[string], Row>(SELECT_PARTS).all(sessionId), (row) => row.id);
    return toLines(
      database
        .prepare<[string], Row>(SELECT_MESSAGES)
        .all(sessionId)
        .map(({ id, data, at }) => ({
          id,
          at,
          message: JSON.parse(data) as Json,
          parts: (parts.get(id) ?? []).map((row) => JSON.parse(row.data) as Json),
        })),
    );
  } finally {
    database.close();
  }
}

function turnsOfLine(line: Json): Unlinked[] {
  const [id, message, at] = [String(line.id), asObject(line.message), new Date(Number(line.at)).toISOString()];
  const parts = (Array.isArray(line.parts) ? line.parts : []) as Json[];
  const texts = parts.filter((part) => part.type === 'text' && part.synthetic !== true);
  const text = texts.map((part) => String(part.text ?? '')).join('\n');
  // What asks for a summary has no words of a person.
  if (message.role === 'user' && parts.some((part) => part.type === 'compaction')) return [];
  if (message.role === 'user') return [{ id, role: 'user', text, calls: [], at }];
  const tools = parts.filter((part) => part.type === 'tool').map((part) => ({ part, state: asObject(part.state) }));
  const calls = tools.map(({ part, state }) => ({
    id: String(part.callID),
    tool: String(part.tool),
    input: asObject(state.input),
  }));
  const results = tools
    .filter(({ state }) => state.status === 'completed' || state.status === 'error')
    .map(({ part, state }): Unlinked => {
      const said = { tool: String(part.tool), text: String(state.output ?? state.error ?? ''), at };
      const callId = String(part.callID);
      return { id: `${id}/${callId}`, role: 'tool', callId, calls: [], failed: state.status === 'error', ...said };
    });
  if (text === '' && calls.length === 0) return [];
  const tokens = asObject(message.tokens);
  const usage = { inputTokens: Number(tokens.input ?? 0), outputTokens: Number(tokens.output ?? 0) };
  return [{ id, role: message.summary === true ? 'summary' : 'assistant', text, calls, usage, at }, ...results];
}

export const opencodeHistory: NativeHistory = {
  async find({ home, sessionId }) {
    const file = join(home, 'opencode', 'data', 'opencode', 'opencode.db');
    return sessionId !== undefined && existsSync(file) ? file : undefined;
  },
  load: async (file, { sessionId }) => load(file, sessionId ?? ''),
  read: (lines) => inARow(lines.flatMap(turnsOfLine)),
  fresh: () => ({}),
};

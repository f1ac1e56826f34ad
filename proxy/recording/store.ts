/** recordings.db: requests and answers of projects that want them kept, and the turns of their conversations. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import SQLite from 'better-sqlite3';
import type { RecordedBody, Recording, RecordingFilter, Turn } from '../../src/recordings/schema.ts';
import type { NamedTurn } from './turns.ts';

export interface NewRecording extends Omit<Recording, 'turn' | 'requestBytes' | 'answerBytes'> {
  turns: readonly NamedTurn[];
  system: string;
  tools: readonly string[];
  requestBytes: number;
  answerBytes: number;
  /** Compressed. */
  request: Buffer;
  answer: Buffer;
}

export interface RecordingStore {
  add(recording: NewRecording): void;
  list(filter: RecordingFilter): Recording[];
  body(projectId: string, requestId: string): RecordedBody | undefined;
  turns(filter: RecordingFilter): Turn[];
  /** Forgets what is older, and turns that nothing leads to any more. */
  prune(before: string): void;
  close(): void;
}

const SCHEMA = `
create table if not exists calls (
  request_id text primary key, at text not null, project_id text not null, agent_id text, bead_id text, turn text,
  system text not null, body text not null, request blob not null, answer blob not null
) without rowid;
create index if not exists calls_by_project on calls (project_id, request_id);
create index if not exists calls_by_agent on calls (agent_id, request_id);
create table if not exists turns (
  seq integer primary key, id text not null unique, parent text, role text not null, at text not null, parts text not null
);
create table if not exists texts (id text primary key, body text not null) without rowid;
`;
/** The turns that lead to the chosen calls. */
const ANCESTORS = `with recursive up (id) as (
  select turn from calls where turn is not null and %s
  union select parent from turns join up on turns.id = up.id where parent is not null
)`;

interface Row {
  body: string;
  turn: string | null;
}

function whereOf(filter: RecordingFilter): { sql: string; values: string[] } {
  const pairs: [string, string | undefined][] = [
    ['project_id = ?', filter.projectId],
    ['agent_id = ?', filter.agentId],
    ['bead_id = ?', filter.beadId],
    ['request_id < ?', filter.cursor],
  ];
  const used = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { sql: used.map(([sql]) => sql).join(' and '), values: used.map(([, value]) => value) };
}

const recordingOf = (row: Row): Recording => ({ ...(JSON.parse(row.body) as Recording), turn: row.turn });

export function openRecordings(file: string): RecordingStore {
  const db = new SQLite(file, { timeout: 5_000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(SCHEMA);
  const insertTurn = db.prepare('insert or ignore into turns (id, parent, role, at, parts) values (?, ?, ?, ?, ?)');
  const insertText = db.prepare('insert or ignore into texts values (?, ?)');
  const insertCall = db.prepare('insert or replace into calls values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');

  const add = db.transaction((recording: NewRecording) => {
    const { turns, system, tools, request, answer, ...rest } = recording;
    for (const turn of turns) insertTurn.run(turn.id, turn.parent, turn.role, recording.at, JSON.stringify(turn.parts));
    const text = JSON.stringify({ system, tools });
    const textId = createHash('sha256').update(text).digest('hex');
    insertText.run(textId, text);
    const { requestId, at, projectId, agentId = null, beadId = null } = rest;
    const turn = turns.at(-1)?.id ?? null;
    insertCall.run(requestId, at, projectId, agentId, beadId, turn, textId, JSON.stringify(rest), request, answer);
  });

  return {
    add,
    list(filter) {
      const { sql, values } = whereOf(filter);
      const query = `select body, turn from calls where ${sql} order by request_id desc limit ?`;
      return (db.prepare(query).all(...values, filter.limit) as Row[]).map(recordingOf);
    },
    body(projectId, requestId) {
      const row = db
        .prepare(
          'select calls.*, texts.body as said from calls join texts on texts.id = system where project_id = ? and request_id = ?',
        )
        .get(projectId, requestId) as (Row & { said: string; request: Buffer; answer: Buffer }) | undefined;
      if (!row) return undefined;
      const { system, tools } = JSON.parse(row.said) as Pick<RecordedBody, 'system' | 'tools'>;
      const [request, answer] = [row.request, row.answer].map((bytes) => gunzipSync(bytes).toString('utf8'));
      return { ...recordingOf(row), system, tools, request: request ?? '', answer: answer ?? '' };
    },
    turns(filter) {
      const { sql, values } = whereOf(filter);
      const query = `${ANCESTORS.replace('%s', sql)} select turns.id, parent, role, at, parts from turns join up on turns.id = up.id order by seq`;
      const rows = db.prepare(query).all(...values) as (Omit<Turn, 'parts'> & { parts: string })[];
      return rows.map((row) => ({ ...row, parts: JSON.parse(row.parts) as Turn['parts'] }));
    },
    prune: db.transaction((before: string) => {
      db.prepare('delete from calls where at < ?').run(before);
      db.exec(`delete from turns where id not in (${ANCESTORS.replace('%s', '1')} select id from up)`);
      db.exec('delete from texts where id not in (select system from calls)');
    }),
    close: () => void db.close(),
  };
}

/** Codex's conversations: a rollout file each, one item after the other. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NativeHistory } from '../../../src/agents/runtime.ts';
import { type Json, jsonLines } from '../../../src/base/json-lines.ts';
import { asObject, type Entry, onceEach, toLines, turnsOf } from './lines.ts';

interface Part extends Json {
  text?: string;
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return ((Array.isArray(content) ? content : []) as Part[]).map((part) => part.text ?? '').join('');
}

function inputOf(payload: Json): Json {
  const given = payload.arguments ?? payload.input ?? payload.action;
  if (typeof given !== 'string') return asObject(given);
  try {
    return asObject(JSON.parse(given));
  } catch {
    // A free-form tool takes plain text.
    return { input: given };
  }
}

/** What Codex tells the model of itself stands in tags, as if a user had said it. */
const OWN_WORDS = /^\s*(<(environment_context|user_instructions|permissions|turn_aborted)|# AGENTS\.md instructions)/;

function itemTurn(payload: Json, at: string | undefined): Entry['turn'] {
  const base = { calls: [], ...(at === undefined ? {} : { at }) };
  const type = String(payload.type);
  if (type === 'message') {
    const text = contentText(payload.content);
    if (payload.role === 'assistant') return { ...base, role: 'assistant', text };
    return payload.role === 'user' && !OWN_WORDS.test(text) ? { ...base, role: 'user', text } : undefined;
  }
  if (type.endsWith('_call')) {
    const call = {
      id: String(payload.call_id ?? payload.id),
      tool: String(payload.name ?? type),
      input: inputOf(payload),
    };
    return { ...base, role: 'assistant', text: '', calls: [call] };
  }
  if (!type.endsWith('_call_output')) return undefined;
  const output = typeof payload.output === 'string' ? payload.output : contentText(asObject(payload.output).content);
  return { ...base, role: 'tool', text: output, callId: String(payload.call_id) };
}

function turnIn(line: Json): Entry['turn'] {
  const at = typeof line.timestamp === 'string' ? line.timestamp : undefined;
  const payload = asObject(line.payload);
  if (line.type === 'response_item') return itemTurn(payload, at);
  if (line.type !== 'compacted') return undefined;
  return { role: 'summary', text: String(payload.message ?? ''), calls: [], ...(at === undefined ? {} : { at }) };
}

const turnOnce = onceEach(turnIn);

function entriesIn(lines: readonly Json[]): (Entry & { json: Json })[] {
  let parent: string | null = null;
  return lines.map((json, index) => {
    const { id } = asObject(json.payload);
    // The first line and lines between items bear ids of other things.
    const own = json.type === 'response_item' && typeof id === 'string' ? id : `line-${index}`;
    const entry = { id: own, parent, json, turn: turnOnce(json) };
    parent = own;
    return entry;
  });
}

/** The file of a conversation that ends with a turn of another one. Pure. */
export function cutCodex(text: string, turn: string, id: string, cwd: string): string {
  const entries = entriesIn(jsonLines(text));
  const last = entries.findIndex((entry) => entry.id === turn);
  const rest = entries.slice(last + 1);
  // What is said about an item stands behind it.
  const next = rest.findIndex(({ json }) => json.type === 'response_item' || json.type === 'turn_context');
  const kept = entries.slice(0, last + 1 + (next < 0 ? rest.length : next));
  return toLines(
    kept.map(({ json }) => {
      if (json.type === 'session_meta')
        return { ...json, payload: { ...asObject(json.payload), id, session_id: id, cwd } };
      const payload = asObject(json.payload);
      const named = payload.thread_id === undefined ? {} : { thread_id: id };
      return { ...json, payload: { ...payload, ...named, ...(payload.cwd === undefined ? {} : { cwd }) } };
    }),
  );
}

/** The rollout of a thread; its name ends with the id. */
async function findRollout(home: string, id: string): Promise<string | undefined> {
  const root = join(home, 'codex', 'sessions');
  const names = await readdir(root, { recursive: true }).catch(() => []);
  const name = names.find((each) => each.endsWith(`${id}.jsonl`));
  return name === undefined ? undefined : join(root, name);
}

export const codexHistory: NativeHistory = {
  find: async ({ home, sessionFile, sessionId }) =>
    sessionFile ?? (sessionId === undefined ? undefined : findRollout(home, sessionId)),
  read: (lines) => turnsOf(entriesIn(lines)),
  async plant({ home, cwd, text, turn, id, atMs }) {
    const at = new Date(atMs).toISOString().slice(0, 19);
    const folder = join(home, 'codex', 'sessions', ...at.slice(0, 10).split('-'));
    const sessionFile = join(folder, `rollout-${at.replaceAll(':', '-')}-${id}.jsonl`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(sessionFile, cutCodex(text, turn, id, cwd), { mode: 0o600, flush: true });
    return { sessionFile, sessionId: id };
  },
  fresh: () => ({}),
};

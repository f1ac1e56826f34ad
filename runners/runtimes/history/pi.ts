/** Pi's conversations: one file each, a tree of entries by `id` and `parentId`; what was written last is where it is. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NativeHistory } from '../../../src/agents/runtime.ts';
import { type Json, jsonLines } from '../../../src/base/json-lines.ts';
import { messageText } from '../message-text.ts';
import { asObject, chainTo, type Entry, onceEach, toLines, turnsOf } from './lines.ts';

interface PiEntry extends Entry {
  json: Json;
}

interface Part extends Json {
  type?: string;
}

function messageTurn(message: Json, at: string | undefined): Entry['turn'] {
  const parts = (Array.isArray(message.content) ? message.content : []) as Part[];
  const base = { text: messageText(message.content), calls: [], ...(at === undefined ? {} : { at }) };
  if (message.role === 'user') return { ...base, role: 'user' };
  if (message.role === 'toolResult') {
    const { toolCallId, toolName, isError } = message;
    return { ...base, role: 'tool', callId: String(toolCallId), tool: String(toolName), failed: isError === true };
  }
  if (message.role !== 'assistant') return undefined;
  const calls = parts
    .filter((part) => part.type === 'toolCall')
    .map((part) => ({ id: String(part.id), tool: String(part.name), input: asObject(part.arguments) }));
  const usage = asObject(message.usage);
  return {
    ...base,
    role: 'assistant',
    calls,
    ...(typeof message.model === 'string' ? { model: message.model } : {}),
    usage: {
      inputTokens: Number(usage.input ?? 0) + Number(usage.cacheRead ?? 0) + Number(usage.cacheWrite ?? 0),
      outputTokens: Number(usage.output ?? 0),
    },
  };
}

function turnIn(entry: Json): Entry['turn'] {
  const at = typeof entry.timestamp === 'string' ? entry.timestamp : undefined;
  if (entry.type === 'message') return messageTurn(asObject(entry.message), at);
  if (entry.type !== 'compaction' && entry.type !== 'branch_summary') return undefined;
  return { role: 'summary', text: String(entry.summary ?? ''), calls: [], ...(at === undefined ? {} : { at }) };
}

const turnOnce = onceEach(turnIn);

function entriesIn(lines: readonly Json[]): PiEntry[] {
  return lines
    .filter((json) => typeof json.id === 'string' && json.type !== 'session')
    .map((json) => {
      const parent = typeof json.parentId === 'string' ? json.parentId : null;
      return { id: String(json.id), parent, json, turn: turnOnce(json) };
    });
}

/** The file of a conversation that ends with a turn of another one. Pure. */
export function cutPi(text: string, turn: string, id: string, cwd: string): string {
  const header = jsonLines(text).find((json) => json.type === 'session') ?? { type: 'session', version: 3 };
  return toLines([{ ...header, id, cwd }, ...chainTo(entriesIn(jsonLines(text)), turn).map((entry) => entry.json)]);
}

export const piHistory: NativeHistory = {
  find: async ({ sessionFile }) => sessionFile,
  read: (lines) => turnsOf(entriesIn(lines)),
  async plant({ home, cwd, text, turn, id }) {
    const folder = join(home, 'pi', 'sessions');
    const sessionFile = join(folder, `${id}.jsonl`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(sessionFile, cutPi(text, turn, id, cwd), { mode: 0o600, flush: true });
    return { sessionFile, sessionId: id };
  },
  fresh: ({ home, id }) => ({ sessionFile: join(home, 'pi', 'sessions', `${id}.jsonl`) }),
};

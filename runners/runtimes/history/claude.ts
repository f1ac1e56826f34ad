/** Claude Code's conversations: lines linked by `uuid` and `parentUuid`. Side chains are conversations of sub-agents. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NativeHistory } from '../../../src/agents/runtime.ts';
import { type Json, jsonLines } from '../../../src/base/json-lines.ts';
import { transcriptFile, unwrapped } from '../host/claude.ts';
import { messageText } from '../message-text.ts';
import { asObject, chainTo, type Entry, onceEach, toLines, turnsOf } from './lines.ts';

interface ClaudeEntry extends Entry {
  json: Json;
}

interface Part extends Json {
  type?: string;
}

function turnIn(json: Json): Entry['turn'] {
  const message = asObject(json.message);
  const parts = (Array.isArray(message.content) ? message.content : []) as Part[];
  const at = typeof json.timestamp === 'string' ? { at: json.timestamp } : {};
  const text = messageText(message.content);
  if (json.type === 'user') {
    const result = parts.find((part) => part.type === 'tool_result');
    if (result) {
      const said = { text: messageText(result.content), failed: result.is_error === true };
      return { role: 'tool', callId: String(result.tool_use_id), calls: [], ...said, ...at };
    }
    if (json.isCompactSummary === true) return { role: 'summary', text, calls: [], ...at };
    return json.isMeta === true ? undefined : { role: 'user', text: unwrapped(text), calls: [], ...at };
  }
  if (json.type !== 'assistant') return undefined;
  const calls = parts
    .filter((part) => part.type === 'tool_use')
    .map((part) => ({ id: String(part.id), tool: String(part.name), input: asObject(part.input) }));
  // Thoughts have lines of their own.
  if (text === '' && calls.length === 0) return undefined;
  const usage = asObject(message.usage);
  const cached = Number(usage.cache_read_input_tokens ?? 0) + Number(usage.cache_creation_input_tokens ?? 0);
  return {
    role: 'assistant',
    text,
    calls,
    ...at,
    ...(typeof message.model === 'string' ? { model: message.model } : {}),
    usage: { inputTokens: Number(usage.input_tokens ?? 0) + cached, outputTokens: Number(usage.output_tokens ?? 0) },
  };
}

const turnOnce = onceEach(turnIn);

function entriesIn(lines: readonly Json[]): ClaudeEntry[] {
  return lines
    .filter((json) => typeof json.uuid === 'string' && json.isSidechain !== true)
    .map((json) => {
      const parent = json.parentUuid ?? json.logicalParentUuid;
      return { id: String(json.uuid), parent: typeof parent === 'string' ? parent : null, json, turn: turnOnce(json) };
    });
}

/** The file of a conversation that ends with a turn of another one. Pure. */
export function cutClaude(text: string, turn: string, id: string, cwd: string): string {
  const chain = chainTo(entriesIn(jsonLines(text)), turn);
  return toLines(chain.map(({ json }) => ({ ...json, sessionId: id, ...(json.cwd === undefined ? {} : { cwd }) })));
}

export const claudeHistory: NativeHistory = {
  find: async ({ sessionFile }) => sessionFile,
  read: (lines) => turnsOf(entriesIn(lines)),
  async plant({ home, cwd, text, turn, id }) {
    const sessionFile = transcriptFile(join(home, 'claude'), cwd, id);
    await mkdir(dirname(sessionFile), { recursive: true, mode: 0o700 });
    await writeFile(sessionFile, cutClaude(text, turn, id, cwd), { mode: 0o600, flush: true });
    return { sessionFile, sessionId: id };
  },
  fresh: ({ home, cwd, id }) => ({ sessionFile: transcriptFile(join(home, 'claude'), cwd, id), sessionId: id }),
};

/** Gemini CLI's conversations: a file of messages each; a message that is written again replaces what it said before. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NativeHistory } from '../../../src/agents/runtime.ts';
import type { Json } from '../../../src/base/json-lines.ts';
import type { SessionTurn } from '../../../src/sessions/schema.ts';
import { asObject, inARow, type Unlinked } from './lines.ts';

interface Part extends Json {
  text?: string;
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return ((Array.isArray(content) ? content : []) as Part[]).map((part) => part.text ?? '').join('');
}

/** What the program tells the model of itself before the first prompt. */
const OWN_WORDS = /^\s*<session_context>/;

function outputOf(call: Json): string {
  const results = (Array.isArray(call.result) ? call.result : []) as Json[];
  const said = results.map((result) => asObject(asObject(result.functionResponse).response));
  const text = said.map((response) => String(response.output ?? response.error ?? '')).join('\n');
  return text || (typeof call.resultDisplay === 'string' ? call.resultDisplay : '');
}

/** Messages in their order; a list that is set replaces all before it. */
function messagesIn(lines: readonly Json[]): Json[] {
  let messages = new Map<string, Json>();
  for (const line of lines) {
    const whole = asObject(line.$set).messages;
    if (Array.isArray(whole))
      messages = new Map((whole as Json[]).map((message): [string, Json] => [String(message.id), message]));
    else if (typeof line.id === 'string' && typeof line.type === 'string')
      messages.set(line.id, { ...messages.get(line.id), ...line });
  }
  return [...messages.values()];
}

/** A call with its result. One message gathers the calls of several prompts, each with its own time. */
function turnsOfCall(id: string, call: Json, messageAt: string): Unlinked[] {
  const [callId, tool] = [String(call.id), String(call.name)];
  const at = typeof call.timestamp === 'string' ? call.timestamp : messageAt;
  const asked: Unlinked = {
    id: `${id}/${callId}`,
    role: 'assistant',
    text: '',
    calls: [{ id: callId, tool, input: asObject(call.args) }],
    at,
  };
  if (call.status === undefined) return [asked];
  const failed = call.status !== 'success';
  const said = { role: 'tool', callId, tool, text: outputOf(call), failed, calls: [], at } as const;
  return [asked, { id: `${id}/${callId}/result`, ...said, calls: [] }];
}

function turnsOfMessage(message: Json): Unlinked[] {
  const id = String(message.id);
  const at = String(message.timestamp ?? '');
  const text = contentText(message.content);
  const isUser = message.type === 'user';
  if (!isUser && message.type !== 'gemini') return [];
  const tokens = asObject(message.tokens);
  const usage = { inputTokens: Number(tokens.input ?? 0), outputTokens: Number(tokens.output ?? 0) };
  const said: Unlinked = { id, role: isUser ? 'user' : 'assistant', text, calls: [], at, ...(isUser ? {} : { usage }) };
  const calls = ((Array.isArray(message.toolCalls) ? message.toolCalls : []) as Json[]).flatMap((call) =>
    turnsOfCall(id, call, at),
  );
  // Results go back to the model as empty words of the user.
  return text === '' || (isUser && OWN_WORDS.test(text)) ? calls : [said, ...calls];
}

function read(lines: readonly Json[]): SessionTurn[] {
  const turns = messagesIn(lines).flatMap(turnsOfMessage);
  return inARow(turns.toSorted((a, b) => Date.parse(a.at ?? '') - Date.parse(b.at ?? '')));
}

/**
 * The file of a conversation; its name ends with the beginning of the id. A later life over the protocol leaves one of the same id
 * with nothing in it but what every conversation begins with, so the longest is the one.
 */
async function find(home: string, id: string): Promise<string | undefined> {
  const root = join(home, 'gemini', '.gemini', 'tmp');
  const names = await readdir(root, { recursive: true }).catch(() => []);
  const files = names
    .filter((each) => each.includes('chats') && each.endsWith(`-${id.slice(0, 8)}.jsonl`))
    .map((name) => join(root, name));
  const sized = await Promise.all(files.map(async (file) => ({ file, size: (await stat(file)).size })));
  return sized.toSorted((a, b) => b.size - a.size)[0]?.file;
}

export const geminiHistory: NativeHistory = {
  find: async ({ home, sessionId }) => (sessionId === undefined ? undefined : find(home, sessionId)),
  read,
  fresh: () => ({}),
};

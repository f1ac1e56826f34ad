/** What is particular to a program with its own face: its titles, its questions, and how they are answered. Pure. */
import { type Json, jsonLines } from '../../../src/base/json-lines.ts';
import { geminiHistory } from '../history/gemini.ts';
import { oneLine, summaryOf } from '../summary.ts';
import { userTextsIn as claudeTexts, nextQuestion, pendingOf, permissionResult } from './claude.ts';
import { userTextsIn as codexTexts } from './codex.ts';
import type { Ask, HostConfig } from './driver.ts';
import { GEMINI_EVENTS } from './hook-events.ts';

export type TitleSays = 'idle' | 'busy' | 'waiting';

export interface FaceProgram {
  /** What tells that it started: a hook, or a title that stands. */
  startsBy: 'hook' | 'title';
  /** True where it would ask the model before it has Godel's tools. */
  waitsForTools?: true;
  /** True where its input is made anew while it draws an earlier conversation: what is typed meanwhile is lost. */
  drawsFirst?: true;
  /** Keys that clear an input of so many lines, where nothing works. */
  clearing(lines: number): string;
  readTitle(title: string): TitleSays | undefined;
  /** A hook in the words of the others; undefined when it says nothing. */
  translate?(body: Json): Json | undefined;
  /** Texts of the user's messages in the program's own transcript. */
  userTexts(transcript: string): string[];
  /** What the turn that began then failed of, where no hook tells it but the transcript does. */
  errorIn?(transcript: string, sinceMs: number): string | undefined;
  /** True when its transcript says that the conversation was made shorter since then (ms). */
  compactedIn(transcript: string, sinceMs: number): boolean;
  ask(id: string, body: Json): Ask;
  /**
   * When (ms) a question was made, where the program asks about several calls at once: their hooks come in any order, and its
   * dialog shows them one by one in that of their making.
   */
  askedMs?(body: Json): number;
  /** What the hook that asks prints. Absent where it only tells: then the keys of the program's own dialog are pressed. */
  reply?(choice: string, body: Json): Json;
  /** What the hook goes on to ask once this was answered; undefined when it is to be replied to. */
  next?(choice: string, body: Json): Json | undefined;
  /** Keys of the dialog for a choice; a refusal ends the turn there. */
  keys?(choice: string, body: Json): string;
}

const ESCAPE = '\u001b';
const CANCEL = '\u0003';
/** Characters of a line that tell its kind. */
const MOST_HEAD = 1_000;
const ERASE_LINE = '\u0015';

function toolAsk(id: string, body: Json, choices: readonly string[]): Ask {
  const what = summaryOf(body.tool_input);
  const tool = oneLine(String(body.tool_name ?? 'a tool'));
  return { id, kind: 'permission', question: what ? `${tool}: ${what}` : tool, choices };
}

/** A line of this kind in a transcript of JSON lines, each with its time; of a long line only the beginning is read. */
function hasLine(transcript: string, kind: RegExp, sinceMs: number): boolean {
  return transcript.split('\n').some((line) => {
    const head = line.slice(0, MOST_HEAD);
    const at = /"timestamp":"([^"]+)"/.exec(line)?.[1] ?? '';
    return kind.test(head) && Date.parse(at) >= sinceMs;
  });
}

const claudePending = (body: Json) => pendingOf({ ...body, input: body.tool_input });

/** Its dialog and the hook are open at the same time, and the first answer counts. */
const claude: FaceProgram = {
  startsBy: 'hook',
  waitsForTools: true,
  clearing: () => CANCEL,
  readTitle(title) {
    if (title.startsWith('✳')) return 'idle';
    return /^[◐◑◒◓⠀-⣿✢✶✻✽·] /u.test(title) ? 'busy' : undefined;
  },
  userTexts: claudeTexts,
  compactedIn: (transcript, sinceMs) => hasLine(transcript, /"subtype":"compact_boundary"/, sinceMs),
  ask(id, body) {
    const { questions, suggestions } = claudePending(body);
    const [first] = questions;
    if (first) {
      const choices = (first.options ?? []).map((option) => option.label);
      return { id, kind: 'question', question: first.question, choices };
    }
    const remembers = Array.isArray(suggestions) && suggestions.length > 0;
    return toolAsk(id, body, remembers ? ['allow', 'always', 'deny'] : ['allow', 'deny']);
  },
  next: (choice, body) => nextQuestion(body, claudePending(body), choice),
  reply: (choice, body) => ({
    hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: permissionResult(claudePending(body), choice) },
  }),
};

/** The error of the last turn in a rollout of Codex. */
export function rolloutError(rollout: string, sinceMs: number): string | undefined {
  const line = rollout.split('\n').findLast((each) => each.includes('"task_complete"'));
  try {
    const { timestamp, payload } = JSON.parse(line ?? '{}');
    const message = Date.parse(timestamp) >= sinceMs ? payload?.error?.message : undefined;
    return typeof message === 'string' ? oneLine(message, 500) : undefined;
  } catch {
    // It is being written.
    return undefined;
  }
}

/** While its hook runs nobody sees the question, so the hook only tells, and its dialog is answered. */
const codex: FaceProgram = {
  startsBy: 'title',
  // What cancels in others would end it when there is nothing in the input.
  clearing: (lines) => ERASE_LINE.repeat(2 * lines),
  readTitle(title) {
    if (/^\[ . \] Action Required/.test(title)) return 'waiting';
    return /^[⠀-⣿]/.test(title) ? 'busy' : 'idle';
  },
  userTexts: codexTexts,
  errorIn: rolloutError,
  compactedIn: (transcript, sinceMs) => hasLine(transcript, /"type":"(compacted|ContextCompaction)"/, sinceMs),
  ask: (id, body) => toolAsk(id, body, ['allow', 'always', 'deny']),
  keys(choice, body) {
    if (choice === 'allow') return 'y';
    if (choice !== 'always') return ESCAPE;
    return body.tool_name === 'apply_patch' ? 'a' : 'p';
  },
};

/** The error that a turn of Gemini CLI ended in; what the model says after one shows that it went on. */
export function chatError(chat: string, sinceMs: number): string | undefined {
  const last = jsonLines(chat).findLast(({ type }) => type === 'error' || type === 'gemini' || type === 'user');
  if (last?.type !== 'error' || Date.parse(String(last.timestamp)) < sinceMs) return undefined;
  return oneLine(String(last.content), 500);
}

/** Its hook only tells of a question. A refusal by Escape ends the turn. */
const gemini: FaceProgram = {
  startsBy: 'hook',
  drawsFirst: true,
  clearing: (lines) => ERASE_LINE.repeat(2 * lines),
  translate(body) {
    const name = GEMINI_EVENTS[String(body.hook_event_name)];
    if (name === undefined) return body;
    if (name === 'PermissionRequest' && body.notification_type !== 'ToolPermission') return undefined;
    const failed = name === 'PostToolUse' && ((body.tool_response ?? {}) as Json).error !== undefined;
    return { ...body, hook_event_name: failed ? 'PostToolUseFailure' : name };
  },
  readTitle(title) {
    if (title.startsWith('◇')) return 'idle';
    if (title.startsWith('✋')) return 'waiting';
    return /^[✦⏲]/u.test(title) ? 'busy' : undefined;
  },
  userTexts: (transcript) =>
    geminiHistory.read(jsonLines(transcript)).flatMap((turn) => (turn.role === 'user' ? [turn.text] : [])),
  errorIn: chatError,
  // It is not asked to.
  compactedIn: () => false,
  askedMs: (body) => Date.parse(String(body.timestamp)),
  ask(id, body) {
    const details = (body.details ?? {}) as { type?: string; command?: string; filePath?: string; title?: string };
    const kind = details.type === 'exec' ? 'execute' : (details.type ?? 'tool');
    const what = details.command ?? details.filePath ?? details.title ?? String(body.message ?? '');
    return { id, kind: 'permission', question: `${kind}: ${oneLine(what)}`, choices: ['allow', 'always', 'deny'] };
  },
  keys: (choice) => ({ allow: '1', always: '2' })[choice] ?? ESCAPE,
};

export const FACES: Readonly<Partial<Record<HostConfig['driver'], FaceProgram>>> = { claude, codex, gemini };

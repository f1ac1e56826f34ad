/** What opencode asks over its interface: leave for a tool, or questions, of which one call may hold several. */
import type { Json } from '../../../src/base/json-lines.ts';
import { oneLine } from '../summary.ts';
import { type Ask, REFUSAL } from './driver.ts';
import { json } from './json-lines.ts';

/** A request that was answered in full: where the answer goes, and what it is. */
export interface Reply {
  path: string;
  body: Json;
}

export interface OpencodeAsks {
  /** It asks for leave; undefined when that is open already. */
  permission(properties: Json): Ask | undefined;
  /** It asks one thing or several, which are told one after the other; undefined when that is open already. */
  question(properties: Json): Ask | undefined;
  /** Takes an answer of a person: what is asked next in the same call, or what the program is to be told. Undefined when it is over. */
  answer(askId: string, choice: string): { next: Ask } | { reply: Reply } | undefined;
  /** The ask that is open of a request of the program. */
  of(request: string): string | undefined;
  /** False when it was over. */
  close(askId: string): boolean;
  ids(): string[];
}

interface Question {
  question?: string;
  options?: { label: string }[];
}

interface Open {
  request: string;
  kind: Ask['kind'];
  /** Questions of the call that were not asked yet, and the answers to those that were. */
  left: readonly Question[];
  given: readonly string[];
}

const REPLIES: Readonly<Record<string, string>> = { allow: 'once', always: 'always' };

/** With words of a person the turn goes on after a refusal. */
function permissionReply(request: string, choice: string): Reply {
  const reply = REPLIES[choice] ?? 'reject';
  return {
    path: `/permission/${request}/reply`,
    body: { reply, ...(reply === 'reject' ? { message: REFUSAL } : {}) },
  };
}

export function createOpencodeAsks(): OpencodeAsks {
  const open = new Map<string, Open>();

  const idOf = (request: string) => [...open].find(([, each]) => each.request === request)?.[0];

  function askFirst(id: string, request: string, questions: readonly Question[], given: readonly string[]): Ask {
    const [first, ...left] = questions;
    open.set(id, { request, kind: 'question', left, given });
    const choices = (first?.options ?? []).map((option) => option.label);
    return { id, kind: 'question', question: first?.question ?? 'a question', choices };
  }

  return {
    permission(properties) {
      const id = String(properties.id);
      if (open.has(id)) return undefined;
      open.set(id, { request: id, kind: 'permission', left: [], given: [] });
      const patterns = Array.isArray(properties.patterns) ? properties.patterns.map(String) : [];
      const what = String(json(properties.metadata).command ?? patterns.join(' '));
      const question = `${String(properties.permission)}: ${oneLine(what)}`;
      return { id, kind: 'permission', question, choices: ['allow', 'always', 'deny'] };
    },
    question(properties) {
      const id = String(properties.id);
      if (idOf(id) !== undefined) return undefined;
      return askFirst(id, id, (properties.questions ?? []) as Question[], []);
    },
    answer(askId, choice) {
      const asked = open.get(askId);
      if (!asked) return undefined;
      const { request, kind, left } = asked;
      if (kind === 'permission') return { reply: permissionReply(request, choice) };
      const given = [...asked.given, choice];
      if (left.length > 0) return { next: askFirst(`${request}.${given.length}`, request, left, given) };
      return { reply: { path: `/question/${request}/reply`, body: { answers: given.map((each) => [each]) } } };
    },
    of: idOf,
    close: (askId) => open.delete(askId),
    ids: () => [...open.keys()],
  };
}

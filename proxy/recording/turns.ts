/** A conversation as turns that are named by what they say and what came before. Pure. */
import { createHash } from 'node:crypto';
import type { Turn as RecordedTurn, TurnPart } from '../../src/recordings/schema.ts';
import { type Answer, inputObject, isRecord, type Part, type Turn, textOfParts } from '../wire/neutral.ts';

export type NamedTurn = Omit<RecordedTurn, 'at'>;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The same value is the same text, whatever the order of its fields. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const sorted = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, each]) => [key, canonical(each)]));
}

/**
 * What of a part is part of its name. Ids differ between an answer and how it comes back, thoughts are left away by some clients,
 * and so is white space at the edges: none of it makes another turn.
 */
function partOf(part: Part): TurnPart | undefined {
  switch (part.kind) {
    case 'text':
      return part.text.trim() === '' ? undefined : { text: part.text.trim() };
    case 'media':
      return { media: part.mediaType, sha256: sha256(part.data ?? part.url ?? '') };
    case 'call':
      return { call: part.name, input: canonical(inputObject(part.input)) as Record<string, unknown> };
    case 'result':
      return { result: textOfParts(part.parts).trim(), failed: part.failed };
    case 'thinking':
      return undefined;
  }
}

export function recordedParts(parts: readonly Part[]): TurnPart[] {
  const made: TurnPart[] = [];
  for (const part of parts) {
    const next = partOf(part);
    const last = made.at(-1);
    if (!next) continue;
    if ('text' in next && last && 'text' in last) made[made.length - 1] = { text: `${last.text}\n${next.text}` };
    else made.push(next);
  }
  return made;
}

/** The turns of a request and its answer, from the first to the newest. */
export function nameTurns(turns: readonly Turn[], answer: Answer | undefined): NamedTurn[] {
  const all: readonly Turn[] = answer ? [...turns, { role: 'assistant', parts: answer.parts }] : turns;
  const named: NamedTurn[] = [];
  let open: { role: Turn['role']; parts: Part[] } | undefined;
  const close = () => {
    const parts = open ? recordedParts(open.parts) : [];
    if (!open || parts.length === 0) return;
    const parent = named.at(-1)?.id ?? null;
    const { role } = open;
    named.push({ id: sha256(JSON.stringify([parent, role, parts])), parent, role, parts });
  };
  for (const { role, parts } of all) {
    if (open?.role === role) open.parts.push(...parts);
    else {
      close();
      open = { role, parts: [...parts] };
    }
  }
  close();
  return named;
}

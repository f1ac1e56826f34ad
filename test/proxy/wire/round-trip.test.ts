/** Whatever is said in one dialect and read again means the same: requests, whole answers and streams, at random. */
import { describe, expect, test } from 'vitest';
import { createCollector, eventsOf } from '../../../proxy/wire/answer.ts';
import { dialects } from '../../../proxy/wire/dialects.ts';
import type {
  Answer,
  NeutralRequest,
  Part,
  Signature,
  Stop,
  Turn,
  WriterContext,
} from '../../../proxy/wire/neutral.ts';
import { createEventParser } from '../../../proxy/wire/sse.ts';
import type { Wire } from '../../../proxy/wire/wire.ts';
import { type Random, seeded } from '../../support/random.ts';

const WIRES: readonly Wire[] = ['anthropic', 'chat', 'responses', 'google'];
const ROUNDS = 150;
const TARGET = { model: 'm', official: false, maxOutput: 1000 };
const WORDS = [
  'plain',
  'a "quote"',
  'line\nbreak',
  'ünïcode 🚀',
  '\\back',
  '{"json":1}',
  ' space ',
  'data: x',
  '\u2028',
];

const many = <T>(random: Random, most: number, make: (at: number) => T): T[] =>
  Array.from({ length: random.int(most + 1) }, (_, at) => make(at));
const words = (random: Random) => [random.pick(WORDS), ...many(random, 3, () => random.pick(WORDS))].join(' ');

function signatureFor(wire: Wire, random: Random): Signature | undefined {
  if (wire === 'chat') return { wire, value: '' };
  return { wire, value: wire === 'responses' ? `rs_1 ${random.int(1e9)}` : `sig${random.int(1e9)}` };
}

const call = (random: Random, at: number): Part => ({
  kind: 'call',
  id: `call_${at}_${random.int(1e6)}`,
  name: random.pick(['read', 'bash', 'edit']),
  input: JSON.stringify({ path: words(random), deep: { list: [1, null, true] } }),
});

function assistantParts(wire: Wire, random: Random): Part[] {
  const signature = signatureFor(wire, random);
  const thought: Part[] = random.chance(0.5)
    ? [{ kind: 'thinking', text: words(random), ...(signature ? { signature } : {}) }]
    : [];
  const said: Part[] = random.chance(0.8) ? [{ kind: 'text', text: words(random) }] : [];
  const calls = many(random, 3, (at) => call(random, at));
  const parts = [...thought, ...said, ...calls];
  return said.length + calls.length === 0 ? [...parts, { kind: 'text', text: 'something' }] : parts;
}

/** Results of the calls, in order, and perhaps a word of the user after them. */
function userParts(random: Random, before: readonly Part[]): Part[] {
  const results = before.flatMap((part): Part[] =>
    part.kind === 'call'
      ? [{ kind: 'result', id: part.id, parts: [{ kind: 'text', text: `got ${words(random)}` }], failed: false }]
      : [],
  );
  const own: Part[] = random.chance(0.5) || results.length === 0 ? [{ kind: 'text', text: words(random) }] : [];
  const image: Part[] = random.chance(0.3) ? [{ kind: 'media', mediaType: 'image/png', data: 'AAAA' }] : [];
  return [...results, ...own, ...image];
}

function randomRequest(wire: Wire, random: Random): NeutralRequest {
  const turns: Turn[] = [{ role: 'user', parts: userParts(random, []) }];
  for (const _ of many(random, 4, (at) => at)) {
    const parts = assistantParts(wire, random);
    turns.push({ role: 'assistant', parts }, { role: 'user', parts: userParts(random, parts) });
  }
  const schema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
  const tools = many(random, 3, (at) => ({ name: `tool_${at}`, description: words(random), schema }));
  return {
    model: 'm',
    stream: random.chance(0.5),
    system: [words(random)],
    turns,
    tools,
    ...(tools.length > 0 ? { toolChoice: random.pick(['auto', 'any', { name: 'tool_0' }] as const) } : {}),
    maxTokens: 100 + random.int(1000),
    temperature: 0.5,
    stop: wire === 'responses' ? [] : many(random, 3, () => random.pick(WORDS)),
    freeForm: new Set(),
    dropped: [],
  };
}

/** Names that a dialect leaves away but that follow from the rest. */
function plain(request: NeutralRequest): unknown {
  const ids = new Map<string, string>();
  const name = (id: string) => {
    if (!ids.has(id)) ids.set(id, `id${ids.size}`);
    return ids.get(id);
  };
  const partOf = (part: Part): unknown => {
    if (part.kind === 'call')
      return { ...part, id: name(part.id), signature: undefined, input: JSON.parse(part.input) };
    if (part.kind === 'result') return { ...part, id: name(part.id), name: undefined };
    return part;
  };
  const said = (turn: Turn) => turn.parts.filter((part) => part.kind !== 'thinking').map(partOf);
  const turns: { role: string; parts: unknown[] }[] = [];
  for (const turn of request.turns) {
    // A turn of several messages is one turn.
    const last = turns.at(-1);
    if (last?.role === turn.role) last.parts.push(...said(turn));
    else turns.push({ role: turn.role, parts: said(turn) });
  }
  return { ...request, turns };
}

const thoughts = (request: NeutralRequest) =>
  request.turns.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'thinking' ? [part] : [])));

const context: WriterContext = {
  from: 'chat',
  id: 'x1',
  model: 'm',
  freeForm: new Set(),
  withUsage: true,
  events: true,
  inputGuess: 0,
  created: 1,
};

function randomAnswer(wire: Wire, random: Random): Answer {
  const parts = assistantParts(wire, random);
  const calls = parts.some((part) => part.kind === 'call');
  const stop: Stop = calls ? 'tool' : random.pick(['end', 'length', 'refused'] as const);
  const cached = wire === 'anthropic' ? 0 : random.int(100);
  const [reasoning, output] = [wire === 'anthropic' ? 0 : random.int(20), 1 + random.int(50)];
  const usage = { input: 10, cacheRead: cached, cacheWrite5m: 0, cacheWrite1h: 0, output, reasoning };
  return { id: '', model: 'm', parts, stop, usage };
}

/** The parts as their dialect can say them: an id of a thought is given anew. */
function meaning(answer: Answer): unknown {
  const parts = answer.parts.map((part) => {
    if (part.kind === 'call') return { name: part.name, input: JSON.parse(part.input) as unknown };
    if (part.kind === 'thinking') return { thought: part.text };
    return part;
  });
  return { parts, stop: answer.stop, usage: answer.usage };
}

describe.each(WIRES)('%s', (wire) => {
  const dialect = dialects[wire];

  test('a request is read as it was meant', () => {
    const random = seeded(1);
    for (let round = 0; round < ROUNDS; round += 1) {
      const request = randomRequest(wire, random);
      const written = JSON.parse(JSON.stringify(dialect.writeRequest(request, TARGET))) as Record<string, unknown>;
      const back = dialect.readRequest(written, 'm', request.stream);
      expect(plain(back)).toEqual(plain(request));
      // Google gets the proof alone; every other dialect the thought as well.
      if (wire !== 'google') expect(thoughts(back)).toEqual(thoughts(request));
      else for (const { signature } of thoughts(request)) expect(JSON.stringify(written)).toContain(signature?.value);
    }
  });

  test('a whole answer is read as it was meant', () => {
    const random = seeded(2);
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = randomAnswer(wire, random);
      const written = JSON.parse(JSON.stringify(dialect.writeAnswer(answer, context))) as Record<string, unknown>;
      expect(meaning(dialect.readAnswer(written))).toEqual(meaning(answer));
    }
  });

  test('a stream is read as it was meant, in pieces of any length', () => {
    const random = seeded(3);
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = randomAnswer(wire, random);
      const write = dialect.createWriter({ ...context, from: wire });
      const bytes = Buffer.from(
        eventsOf(answer, 1 + random.int(9))
          .map(write)
          .join(''),
      );
      const [parser, reader, collector] = [createEventParser(), dialect.createReader(), createCollector('')];
      const take = (documents: Record<string, unknown>[]) => {
        for (const document of documents) for (const event of reader.read(document)) collector.take(event);
      };
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random.int(40);
        take(parser.push(bytes.subarray(at, at + size)).documents);
        at += size;
      }
      take(parser.finish().documents);
      for (const event of reader.finish()) collector.take(event);
      expect(collector.complete()).toBe(true);
      expect(meaning(collector.answer())).toEqual(meaning(answer));
    }
  });
});

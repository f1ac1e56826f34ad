/**
 * Reads token counts, stop reason and the clean end from an answer as its bytes pass by. Streams are looked at
 * line by line; only lines that can matter are parsed.
 */
import type { TokenUse } from '../../src/costs/schema.ts';
import { noUse } from '../cost.ts';
import { createLineSplitter } from './lines.ts';
import type { Stop } from './neutral.ts';
import { markSearch } from './simd.ts';
import { readStop } from './stops.ts';
import { count, type Json, list, object, type Wire } from './wire.ts';

export interface Reading {
  tokens: TokenUse;
  /** True when the provider said how much was used. */
  exact: boolean;
  stopReason: Stop | undefined;
  /** True when a tool was called, in dialects whose reason does not say so. */
  calls: boolean;
  /** True when the answer said that it is complete. */
  complete: boolean;
  /** Events of a stream, a rough count of its tokens. */
  events: number;
}

export interface UsageTap {
  /** Of a stream nothing is kept in the memory of a chunk; chunks of a body are kept as they are. */
  push(chunk: Buffer): void;
  /** True when the answer has said that it is complete. */
  complete(): boolean;
  finish(): Reading;
}

/** Anthropic: counts are disjoint already; fields that are absent keep what an earlier event said. */
function readAnthropic(usage: Json, into: TokenUse): void {
  into.input = count(usage.input_tokens) ?? into.input;
  into.output = count(usage.output_tokens) ?? into.output;
  into.cacheRead = count(usage.cache_read_input_tokens) ?? into.cacheRead;
  const split = object(usage.cache_creation);
  const written = count(usage.cache_creation_input_tokens);
  const oneHour = count(split.ephemeral_1h_input_tokens);
  if (oneHour !== undefined) into.cacheWrite1h = oneHour;
  if (written !== undefined) into.cacheWrite5m = Math.max(0, written - into.cacheWrite1h);
  else into.cacheWrite5m = count(split.ephemeral_5m_input_tokens) ?? into.cacheWrite5m;
}

/** OpenAI: cached is part of the input, reasoning a part of the output. */
function readOpenAi(usage: Json, into: TokenUse): void {
  const inputDetails = object(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const outputDetails = object(usage.completion_tokens_details ?? usage.output_tokens_details);
  const input = count(usage.prompt_tokens ?? usage.input_tokens) ?? 0;
  const output = count(usage.completion_tokens ?? usage.output_tokens) ?? 0;
  const cached = Math.min(count(inputDetails.cached_tokens) ?? 0, input);
  const written = Math.min(count(inputDetails.cache_write_tokens) ?? 0, input - cached);
  const reasoning = Math.min(count(outputDetails.reasoning_tokens) ?? 0, output);
  into.input = input - cached - written;
  into.cacheRead = cached;
  into.cacheWrite5m = written;
  into.cacheWrite1h = 0;
  into.output = output - reasoning;
  into.reasoning = reasoning;
}

/** Google: cached is part of the prompt; thoughts are counted beside the candidates. */
function readGoogle(usage: Json, into: TokenUse): void {
  const prompt = count(usage.promptTokenCount) ?? 0;
  const cached = Math.min(count(usage.cachedContentTokenCount) ?? 0, prompt);
  into.input = prompt - cached + (count(usage.toolUsePromptTokenCount) ?? 0);
  into.cacheRead = cached;
  into.cacheWrite5m = 0;
  into.cacheWrite1h = 0;
  into.output = count(usage.candidatesTokenCount) ?? 0;
  into.reasoning = count(usage.thoughtsTokenCount) ?? 0;
}

/** The usage of one document in Godel's disjoint counts, on top of what earlier documents said. */
export function readUsage(wire: Wire, usage: Json, into: TokenUse): void {
  if (wire === 'anthropic') readAnthropic(usage, into);
  else if (wire === 'google') readGoogle(usage, into);
  else readOpenAi(usage, into);
}

function usageIn(wire: Wire, document: Json): unknown {
  if (wire === 'google') return document.usageMetadata;
  if (wire === 'anthropic') return document.usage ?? object(document.message).usage;
  return document.usage ?? object(document.response).usage;
}

function stopIn(wire: Wire, document: Json): unknown {
  if (wire === 'google') return list(document.candidates)[0]?.finishReason;
  if (wire === 'chat') return list(document.choices)[0]?.finish_reason;
  if (wire === 'responses') return object(document.response).status ?? document.status;
  return object(document.delta).stop_reason ?? document.stop_reason;
}

/** True when the document calls a tool; asked only of dialects whose reason does not say so. */
function callsIn(wire: Wire, document: Json): boolean {
  if (wire === 'google') {
    const { parts } = object(list(document.candidates)[0]?.content);
    return list(parts).some((part) => part.functionCall !== undefined);
  }
  if (wire !== 'responses') return false;
  const { output } = document.response ? object(document.response) : document;
  return list(output).some((item) => item.type === 'function_call' || item.type === 'custom_tool_call');
}

/** One JSON document of an answer: a whole body, or the data of a stream event. */
function readDocument(wire: Wire, document: Json, reading: Reading): void {
  const usage = usageIn(wire, document);
  if (typeof usage === 'object' && usage !== null) {
    readUsage(wire, object(usage), reading.tokens);
    reading.exact = true;
  }
  reading.calls ||= callsIn(wire, document);
  const stop = stopIn(wire, document);
  if (typeof stop === 'string' && stop !== 'in_progress') reading.stopReason = readStop(wire, stop, reading.calls);
  const { type } = document;
  if (type === 'message_stop' || (typeof type === 'string' && /^response\.(completed|failed|incomplete)$/.test(type)))
    reading.complete = true;
}

/** What the few events say that have to be read; the others are only counted. */
const WORDS: Readonly<Record<Wire, RegExp>> = {
  anthropic: /"usage"|"stop_reason": ?"|message_stop|\[DONE\]/,
  chat: /"usage": ?\{|"finish_reason": ?"|\[DONE\]/,
  responses: /response\.(?:completed|failed|incomplete)|\[DONE\]/,
  google: /usageMetadata|finishReason|functionCall|\[DONE\]/,
};
/** How every event but the first of a piece begins. */
const EVENT = '\ndat';
/** Looks for four characters of each of these words: a piece of a stream without them needs no closer look. */
const SEARCHES = {
  anthropic: markSearch(EVENT, ['usag', '_rea', 'e_st', 'DONE']),
  chat: markSearch(EVENT, ['e":{', '": {', 'n":"', '": "', 'DONE']),
  responses: markSearch(EVENT, ['.com', '.fai', '.inc', 'DONE']),
  google: markSearch(EVENT, ['eMet', 'hRea', 'nCal', 'DONE']),
};
/** A body that is longer is passed on, but its usage is not read. */
const MAX_DOCUMENT = 64 * 1024 * 1024;

function newReading(): Reading {
  return { tokens: noUse(), exact: false, stopReason: undefined, calls: false, complete: false, events: 0 };
}

const DONE = Buffer.from('[DONE]');
const LINE_END = 10;

/** True when the line begins with `data:`. */
const isData = (line: Buffer) =>
  line.length > 5 && line[0] === 100 && line[1] === 97 && line[2] === 116 && line[3] === 97 && line[4] === 58;

export function createStreamTap(wire: Wire): UsageTap {
  const reading = newReading();
  const words = WORDS[wire];
  const search = SEARCHES[wire];

  function take(line: Buffer): void {
    if (!isData(line)) return;
    reading.events += 1;
    if (line.length < 16 && line.includes(DONE)) reading.complete = true;
    else if (words.test(line.toString('latin1'))) {
      try {
        readDocument(wire, object(JSON.parse(line.toString('utf8', 5))), reading);
      } catch {
        // A malformed event is the client's to judge; it passes unchanged.
      }
    }
  }

  const lines = createLineSplitter(take);

  /** Whole lines: most of them only count. */
  function takeLines(bytes: Buffer): void {
    const marks = search(bytes);
    if (marks.found && words.test(bytes.toString('latin1'))) return lines.push(bytes);
    reading.events += marks.lines + (isData(bytes) ? 1 : 0);
  }

  function push(chunk: Buffer): void {
    // The rest of a line that was torn, whole lines, and the beginning of one that will be.
    const first = lines.waiting() ? chunk.indexOf(LINE_END) + 1 : 0;
    const last = chunk.lastIndexOf(LINE_END) + 1;
    if (last === 0) return lines.push(chunk);
    if (first > 0) lines.push(chunk.subarray(0, first));
    if (last > first) takeLines(chunk.subarray(first, last));
    if (last < chunk.length) lines.push(chunk.subarray(last));
  }

  return {
    push,
    complete: () => reading.complete,
    finish() {
      lines.finish();
      return reading;
    },
  };
}

export function createBodyTap(wire: Wire): UsageTap {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    push(chunk) {
      size += chunk.length;
      if (size <= MAX_DOCUMENT) chunks.push(chunk);
    },
    complete: () => false,
    finish() {
      const reading = newReading();
      try {
        const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        const parsed: unknown = JSON.parse(body.toString('utf8'));
        // Google streams without SSE as one array.
        for (const document of Array.isArray(parsed) ? parsed : [parsed]) readDocument(wire, object(document), reading);
        reading.complete = true;
      } catch {
        // Not JSON: nothing to read from it.
      }
      return reading;
    },
  };
}

/**
 * Reads token counts, stop reason and the clean end from an answer as its bytes pass by. Streams are looked at
 * line by line; only lines that can matter are parsed.
 */
import type { TokenUse } from '../src/costs/schema.ts';
import { noUse } from './cost.ts';

export type Wire = 'anthropic' | 'chat' | 'responses' | 'other';

type Json = Record<string, unknown>;

export interface Reading {
  tokens: TokenUse;
  /** True when the provider said how much was used. */
  exact: boolean;
  stopReason: string | undefined;
  /** True when the answer said that it is complete. */
  complete: boolean;
  /** Events of a stream, a rough count of its tokens. */
  events: number;
}

export interface UsageTap {
  push(chunk: Buffer): void;
  finish(): Reading;
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const count = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 ? Math.round(value) : undefined;

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
  Object.assign(into, {
    input: input - cached - written,
    cacheRead: cached,
    cacheWrite5m: written,
    cacheWrite1h: 0,
    output: output - reasoning,
    reasoning,
  });
}

/** One JSON document of an answer: a whole body, or the data of a stream event. */
function readDocument(wire: Wire, document: Json, reading: Reading): void {
  const response = object(document.response);
  const usage = document.usage ?? object(document.message).usage ?? response.usage;
  if (typeof usage === 'object' && usage !== null) {
    if (wire === 'anthropic') readAnthropic(object(usage), reading.tokens);
    else readOpenAi(object(usage), reading.tokens);
    reading.exact = true;
  }
  const choice = object((document.choices as unknown[] | undefined)?.[0]);
  const stop = choice.finish_reason ?? object(document.delta).stop_reason ?? document.stop_reason ?? response.status;
  if (typeof stop === 'string') reading.stopReason = stop;
  const { type } = document;
  if (type === 'message_stop' || (typeof type === 'string' && /^response\.(completed|failed|incomplete)$/.test(type)))
    reading.complete = true;
}

const INTERESTING = [
  '"usage"',
  '"stop_reason"',
  '"finish_reason"',
  'message_stop',
  'response.completed',
  'response.failed',
  'response.incomplete',
];
/** A body that is longer is passed on, but its usage is not read. */
const MAX_DOCUMENT = 64 * 1024 * 1024;

function newReading(): Reading {
  return { tokens: noUse(), exact: false, stopReason: undefined, complete: false, events: 0 };
}

export function createStreamTap(wire: Wire): UsageTap {
  const reading = newReading();
  let rest: Buffer = Buffer.alloc(0);

  function line(bytes: Buffer): void {
    if (bytes.length < 5 || bytes[0] !== 100 || bytes.toString('latin1', 0, 5) !== 'data:') return;
    reading.events += 1;
    const text = bytes.toString('utf8', 5).trim();
    if (text === '[DONE]') reading.complete = true;
    else if (INTERESTING.some((word) => text.includes(word))) {
      try {
        readDocument(wire, object(JSON.parse(text)), reading);
      } catch {
        // A malformed event is the client's to judge; it passes unchanged.
      }
    }
  }

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = bytes.indexOf(10, from); end >= 0; end = bytes.indexOf(10, from)) {
        line(bytes.subarray(from, end));
        from = end + 1;
      }
      rest = bytes.subarray(from);
    },
    finish() {
      line(rest);
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
    finish() {
      const reading = newReading();
      try {
        readDocument(wire, object(JSON.parse(Buffer.concat(chunks).toString('utf8'))), reading);
        reading.complete = true;
      } catch {
        // Not JSON: nothing to read from it.
      }
      return reading;
    },
  };
}

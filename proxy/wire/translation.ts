/** An answer of one dialect as an answer of another, whole or as it arrives. Pure. */
import type { Refusal } from '../refusal.ts';
import { createCollector, eventsOf } from './answer.ts';
import { dialects } from './dialects.ts';
import { type EmbedContext, writeEmbedAnswer } from './embedding.ts';
import { refusalBody } from './errors.ts';
import { type StreamEvent, WireError, type WriterContext } from './neutral.ts';
import { createEventParser } from './sse.ts';
import { count, type Json, object, text, type Wire } from './wire.ts';

/** Changes the bytes of an answer on their way. */
export interface Transform {
  /** Nothing of a chunk may be kept in the memory it came in; what is returned may be in it. */
  push(chunk: Buffer): Buffer;
  /** What is left when the provider has ended. */
  finish(): Buffer;
  /** What the head of the answer has to say instead. */
  status?: number;
  contentType?: string;
  /** After the end: true when the answer is not complete, so that its end must not look clean. */
  broken?(): boolean;
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  529: 'overloaded_error',
};
const JSON_TYPE = 'application/json';
const CUT = 'The provider cut the answer off before its end.';

/** An error of any dialect; all of them hold a message in the same place. */
export function readError(status: number, body: Buffer): Refusal {
  let said: Json = {};
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    said = object(Array.isArray(parsed) ? parsed[0] : parsed);
  } catch {
    // A gateway between may answer with a page.
  }
  const error = object(said.error);
  const message = text(error.message) ?? text(said.error) ?? text(said.message);
  return {
    status,
    type: TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'),
    message: message ?? `The provider answered with status ${status}.`,
  };
}

/** Collects a whole body and gives its replacement at the end. */
function wholeBody(change: (body: Buffer) => string, head: Pick<Transform, 'status' | 'contentType'>): Transform {
  const chunks: Buffer[] = [];
  return {
    ...head,
    push(chunk) {
      chunks.push(Buffer.from(chunk));
      return Buffer.alloc(0);
    },
    finish: () => Buffer.from(change(Buffer.concat(chunks))),
  };
}

/** Only Anthropic knows 529. */
const statusFor = (client: Wire, status: number) => (status === 529 && client !== 'anthropic' ? 503 : status);

export function translateError(client: Wire, status: number): Transform {
  return wholeBody((body) => refusalBody(client, { ...readError(status, body), status: statusFor(client, status) }), {
    status: statusFor(client, status),
    contentType: JSON_TYPE,
  });
}

function parse(body: Buffer): Json {
  try {
    return object(JSON.parse(body.toString('utf8')));
  } catch {
    throw new WireError('The provider answered with something that is not JSON.');
  }
}

interface Pair {
  from: Wire;
  to: Wire;
  context: WriterContext;
}

function translateStream({ from, to, context }: Pair): Transform {
  const parser = createEventParser();
  const reader = dialects[from].createReader();
  const write = dialects[to].createWriter(context);
  let [ended, failed] = [false, false];

  function say(events: readonly StreamEvent[]): string {
    let out = '';
    for (const event of events) {
      if (ended || failed) return out;
      if (event.kind === 'end') ended = true;
      if (event.kind === 'error') failed = true;
      out += write(event);
    }
    return out;
  }

  function take({ documents, done }: { documents: Json[]; done: boolean }): string {
    let out = '';
    for (const document of documents) out += say(reader.read(document));
    return done ? out + say(reader.finish()) : out;
  }

  return {
    contentType: context.events ? 'text/event-stream; charset=utf-8' : JSON_TYPE,
    push: (chunk) => Buffer.from(take(parser.push(chunk))),
    finish() {
      let out = take(parser.finish()) + say(reader.finish());
      if (!ended && !failed) out += say([{ kind: 'error', status: 502, type: 'api_error', message: CUT }]);
      return Buffer.from(out);
    },
    broken: () => !ended,
  };
}

/** A provider that streams although nobody asked, or does not although it was asked, is understood all the same. */
function translateWhole({ from, to, context }: Pair, streaming: boolean, wanted: boolean): Transform {
  const answerIn = (body: Buffer) => {
    if (!streaming) return dialects[from].readAnswer(parse(body));
    const [parser, reader, collector] = [createEventParser(), dialects[from].createReader(), createCollector('')];
    for (const { documents } of [parser.push(body), parser.finish()])
      for (const document of documents) for (const event of reader.read(document)) collector.take(event);
    return collector.answer();
  };
  if (!wanted)
    return wholeBody((body) => JSON.stringify(dialects[to].writeAnswer(answerIn(body), context)), {
      contentType: JSON_TYPE,
    });
  const write = dialects[to].createWriter(context);
  return wholeBody((body) => eventsOf(answerIn(body)).map(write).join(''), {
    contentType: context.events ? 'text/event-stream; charset=utf-8' : JSON_TYPE,
  });
}

export function translateAnswer(pair: Pair, streaming: boolean, wanted: boolean): Transform {
  return streaming && wanted ? translateStream(pair) : translateWhole(pair, streaming, wanted);
}

export function translateEmbedding(context: EmbedContext): Transform {
  return wholeBody((body) => JSON.stringify(writeEmbedAnswer(parse(body), context)), { contentType: JSON_TYPE });
}

/** The answer to a count of tokens. */
export function writeCount(to: Wire, tokens: number): Json {
  if (to === 'google') return { totalTokens: tokens };
  return to === 'anthropic' ? { input_tokens: tokens } : { object: 'response.input_tokens', input_tokens: tokens };
}

export function translateCount(to: Wire): Transform {
  return wholeBody(
    (body) => {
      const said = parse(body);
      return JSON.stringify(writeCount(to, count(said.input_tokens ?? said.totalTokens) ?? 0));
    },
    { contentType: JSON_TYPE },
  );
}

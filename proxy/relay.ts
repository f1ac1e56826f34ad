/**
 * One request on its way to a provider and back: bytes as they are, with back-pressure, metered as they pass. The provider
 * hears at once when the client goes; a client never sees a clean end of an answer that was cut.
 */
import { messageOf } from '../src/base/error.ts';
import type { LedgerEntry } from '../src/costs/schema.ts';
import { clientHeaders } from './headers.ts';
import type { Answer } from './http/answer.ts';
import type { CallControl } from './http/call.ts';
import type { HttpClient } from './http/client.ts';
import { type Fields, fieldOf, without } from './http/fields.ts';
import { type Refusal, refusals } from './refusal.ts';
import { refusalBody, refusalEvent, refusalFields } from './wire/errors.ts';
import type { Exchange } from './wire/exchange.ts';
import type { Transform } from './wire/translation.ts';
import { createBodyTap, createStreamTap, type Reading, type UsageTap } from './wire/usage.ts';
import type { Wire } from './wire/wire.ts';

export interface AnswerHead {
  status: number;
  fields: Fields;
}

export interface HeldAnswer extends AnswerHead {
  body: Buffer;
}

export interface RelaySpec {
  client: HttpClient;
  /** Path at the provider, with the query. */
  path: string;
  exchange: Exchange;
  /** Header fields for the provider. */
  fields: Fields;
  response: Answer;
  /** Header fields of Godel's own for the answer. */
  answerFields: Fields;
  /** True keeps an answer back, so that the caller may try elsewhere: the client sees nothing of it. */
  hold?: (head: AnswerHead) => boolean;
  /** Called once, before the last byte is sent. When the client was not answered, the caller has to do it. */
  onSettled: (result: RelayResult) => void;
  /** Goes on when what was settled cannot be lost any more: the last byte leaves after that. */
  whenSafe: (then: () => void) => void;
  /** Sees every byte of the answer as the client gets it. */
  watch?: ((bytes: Buffer) => void) | undefined;
  /** Gives the caller a way to end the request, for example when the key is revoked. */
  onStart: (end: (reason: Refusal) => void) => void;
}

export interface RelayResult {
  outcome: LedgerEntry['outcome'];
  status: number;
  reading: Reading | undefined;
  firstByteMs: number | null;
  latencyMs: number;
  /** False when the client has got nothing yet and waits. */
  answered: boolean;
  /** The answer that was kept back. */
  held?: HeldAnswer;
  /** Why nothing came, when nothing came. */
  problem?: Refusal;
}

/** Of an answer that is kept back, this much (bytes) is read. */
const MAX_HELD = 1024 * 1024;

/** Answers with a refusal before anything of an answer was sent. */
export function sendRefusal(response: Answer, wire: Wire, refusal: Refusal, fields: Readonly<Fields> = []): void {
  if (response.headersSent || response.destroyed) return response.destroy();
  response.writeHead(refusal.status, [...fields, ...refusalFields(refusal)]);
  response.end(Buffer.from(refusalBody(wire, refusal)));
}

/** The fields of an answer, whose body `change` may write anew. */
function fieldsOf(answered: Fields, own: Fields, change: Transform | undefined): Fields {
  const kept = clientHeaders(answered, own);
  if (!change) return kept;
  const fields = without(kept, 'content-length');
  const { contentType } = change;
  return contentType === undefined ? fields : [...without(fields, 'content-type'), 'content-type', contentType];
}

/** Sends an answer that was kept back after all. */
export function sendHeld(response: Answer, exchange: Exchange, held: HeldAnswer, own: Fields): void {
  if (response.headersSent || response.destroyed) return response.destroy();
  const change = exchange.transform({ status: held.status, streaming: false });
  const body = change ? Buffer.concat([change.push(held.body), change.finish()]) : held.body;
  const fields = without(fieldsOf(held.fields, own, change), 'content-length');
  response.writeHead(change?.status ?? held.status, fields).end(body);
}

const NOTHING = Buffer.alloc(0);

interface State {
  status: number;
  firstByteMs: number | null;
  settled: boolean;
  clientGone: boolean;
  /** The provider streams. */
  streaming: boolean;
  /** The client is sent events. */
  events: boolean;
  held: { head: AnswerHead; chunks: Buffer[]; size: number } | undefined;
  /** The newest piece, where the last one must not leave before the answer is settled. */
  kept: Buffer | undefined;
}

export function relay(spec: RelaySpec): void {
  const { response, exchange } = spec;
  const wire = exchange.client;
  const started = performance.now();
  const state: State = {
    status: 0,
    firstByteMs: null,
    settled: false,
    clientGone: false,
    streaming: false,
    events: false,
    held: undefined,
    kept: undefined,
  };
  let tap: UsageTap | undefined;
  let change: Transform | undefined;
  let control: CallControl | undefined;
  let ended: Refusal | undefined;

  function settle(outcome: RelayResult['outcome'], more: Pick<RelayResult, 'problem' | 'held'> = {}): void {
    if (state.settled) return;
    state.settled = true;
    spec.onSettled({
      outcome,
      status: state.status,
      reading: tap?.finish(),
      firstByteMs: state.firstByteMs,
      latencyMs: performance.now() - started,
      answered: response.headersSent || state.clientGone || ended !== undefined,
      ...more,
    });
  }

  function onClose(): void {
    if (response.finished) return;
    state.clientGone = true;
    control?.abort(new Error('client went away'));
    settle('cancelled');
  }
  response.on('close', onClose);

  /** What is sent once the answer is settled waits until that cannot be lost; all of it in its order. */
  function sendSafely(send: () => void): void {
    if (state.settled) spec.whenSafe(send);
    else send();
  }

  /** Ends a request whose client has got a part of the answer: an error in its dialect, then no clean end. */
  function breakOff(refusal: Refusal): void {
    sendSafely(() => {
      if (state.events && !response.destroyed)
        response.write(Buffer.from(refusalEvent(wire, refusal)), () => response.destroy());
      else response.destroy();
    });
  }

  spec.onStart((reason) => {
    if (state.settled) return;
    ended = reason;
    control?.abort(new Error('ended by Godel'));
    settle('cancelled');
    if (response.headersSent) breakOff(reason);
    else sendSafely(() => sendRefusal(response, wire, reason, spec.answerFields));
  });

  function begin({ status, fields }: AnswerHead): void {
    state.streaming = fieldOf(fields, 'content-type')?.includes('text/event-stream') ?? false;
    tap = state.streaming ? createStreamTap(exchange.wire) : createBodyTap(exchange.wire);
    change = exchange.transform({ status, streaming: state.streaming });
    const sent = fieldsOf(fields, spec.answerFields, change);
    response.writeHead(change?.status ?? status, sent);
    state.events = fieldOf(sent, 'content-type')?.startsWith('text/event-stream') ?? false;
    if (state.streaming) response.flush();
  }

  function write(bytes: Buffer): void {
    if (bytes.length === 0 || response.destroyed) return;
    spec.watch?.(bytes);
    if (response.write(bytes)) return;
    // The provider has to wait for a slow client.
    control?.pause();
    response.once('drain', () => control?.resume());
  }

  /** What goes to the client for a chunk, which is metered on the way. */
  function bytesFor(chunk: Buffer): Buffer {
    tap?.push(chunk);
    return change ? change.push(chunk) : chunk;
  }

  /** `chunk` is ours only until this returns. */
  function passEvents(chunk: Buffer): void {
    const bytes = bytesFor(chunk);
    if (tap?.complete()) settle(state.status >= 400 ? 'upstream-error' : 'ok');
    if (!state.settled) return write(bytes);
    const own = Buffer.from(bytes);
    sendSafely(() => write(own));
  }

  function passKept(chunk: Buffer): void {
    const before = state.kept;
    state.kept = bytesFor(chunk);
    if (before) write(before);
  }

  function finish(): void {
    let rest: Buffer | undefined;
    try {
      rest = change?.finish();
    } catch (error) {
      settle('cut');
      return breakOff(refusals.upstreamDown(messageOf(error)));
    }
    const broken = change?.broken?.() ?? false;
    settle(state.status >= 400 ? 'upstream-error' : broken ? 'cut' : 'ok');
    const last = withKept(rest);
    sendSafely(() => {
      if (last) spec.watch?.(last);
      // What is not complete has no clean end.
      if (broken) response.write(last ?? NOTHING, () => response.destroy());
      else response.end(last);
    });
  }

  function withKept(rest: Buffer | undefined): Buffer | undefined {
    const { kept } = state;
    return kept && rest ? Buffer.concat([kept, rest]) : (kept ?? rest);
  }

  control = spec.client.call(
    { method: 'POST', path: spec.path, fields: spec.fields, body: exchange.body },
    {
      onHead(status, fields) {
        state.status = status;
        const head = { status, fields };
        if (spec.hold?.(head)) state.held = { head, chunks: [], size: 0 };
        else begin(head);
      },
      onData(chunk, last) {
        state.firstByteMs ??= performance.now() - started;
        const { held } = state;
        if (!held) return state.streaming && !last ? passEvents(chunk) : passKept(Buffer.from(chunk));
        held.size += chunk.length;
        if (held.size <= MAX_HELD) held.chunks.push(Buffer.from(chunk));
      },
      onEnd() {
        response.off('close', onClose);
        const { held } = state;
        if (held) settle('upstream-error', { held: { ...held.head, body: Buffer.concat(held.chunks) } });
        else finish();
      },
      onError(error) {
        response.off('close', onClose);
        const { held } = state;
        if (state.clientGone || ended) return settle('cancelled');
        if (held) return settle('upstream-error', { held: { ...held.head, body: Buffer.concat(held.chunks) } });
        if (!response.headersSent) return settle('failed', { problem: refusals.upstreamDown(error.message) });
        settle('cut');
        breakOff(refusals.cut());
      },
    },
  );
}

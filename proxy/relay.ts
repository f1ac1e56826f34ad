/**
 * One request on its way to a provider and back: bytes as they are, with back-pressure, metered as they pass. The provider
 * hears at once when the client goes; a client never sees a clean end of an answer that was cut.
 */
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { LedgerEntry } from '../src/costs/schema.ts';
import { clientHeaders } from './headers.ts';
import { type Refusal, refusals } from './refusal.ts';
import { refusalBody, refusalEvent } from './wire/errors.ts';
import type { Exchange } from './wire/exchange.ts';
import type { Transform } from './wire/translation.ts';
import { createBodyTap, createStreamTap, type Reading, type UsageTap } from './wire/usage.ts';
import type { Wire } from './wire/wire.ts';

export interface AnswerHead {
  status: number;
  headers: Record<string, string | string[] | undefined>;
}

export interface HeldAnswer extends AnswerHead {
  body: Buffer;
}

export interface RelaySpec {
  dispatcher: Dispatcher;
  origin: string;
  exchange: Exchange;
  /** Headers for the provider. */
  headers: Record<string, string>;
  response: ServerResponse;
  /** Headers of Godel's own for the answer. */
  answerHeaders: Record<string, string>;
  /** True keeps an answer back, so that the caller may try elsewhere: the client sees nothing of it. */
  hold?: (head: AnswerHead) => boolean;
  /** Called once, before the last byte is sent. When the client was not answered, the caller has to do it. */
  onSettled: (result: RelayResult) => void;
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

function headerOf(headers: AnswerHead['headers'], name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** Answers with a refusal before anything of an answer was sent. */
export function sendRefusal(
  response: ServerResponse,
  wire: Wire,
  refusal: Refusal,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const body = refusalBody(wire, refusal);
  response.writeHead(refusal.status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-should-retry': refusal.retryAfterMs !== undefined || refusal.status >= 500 ? 'true' : 'false',
    ...(refusal.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(refusal.retryAfterMs / 1000)) }),
  });
  response.end(body);
}

/** Sends an answer that was kept back after all. */
export function sendHeld(
  response: ServerResponse,
  exchange: Exchange,
  held: HeldAnswer,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const change = exchange.transform({ status: held.status, streaming: false });
  const body = change ? Buffer.concat([change.push(held.body), change.finish()]) : held.body;
  const kept = clientHeaders(held.headers);
  if (change?.contentType !== undefined) kept['content-type'] = change.contentType;
  response.writeHead(change?.status ?? held.status, { ...kept, ...headers, 'content-length': String(body.length) });
  response.end(body);
}

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
  /** The newest piece of a whole body: the last one must not leave before the answer is settled. */
  kept: Buffer | undefined;
  /** Events of a stream that came with one read of the socket: they are read and sent together. */
  batch: Buffer[];
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
    batch: [],
  };
  let tap: UsageTap | undefined;
  let change: Transform | undefined;
  let controller: Dispatcher.DispatchController | undefined;
  let ended: Refusal | undefined;

  function settle(outcome: RelayResult['outcome'], more: Pick<RelayResult, 'problem' | 'held'> = {}): void {
    if (state.settled) return;
    state.settled = true;
    response.off('close', onClose);
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
    if (response.writableFinished) return;
    state.clientGone = true;
    if (state.batch.length > 0) tap?.push(taken());
    controller?.abort(new Error('client went away'));
    settle('cancelled');
  }
  response.on('close', onClose);

  /** Ends a request whose client has got a part of the answer: an error in its dialect, then no clean end. */
  function breakOff(refusal: Refusal): void {
    if (state.events && !response.destroyed) response.write(refusalEvent(wire, refusal), () => response.destroy());
    else response.destroy();
  }

  spec.onStart((reason) => {
    if (state.settled) return;
    sendBatch();
    // What waited may have been the end of the answer.
    if (state.settled) return;
    ended = reason;
    controller?.abort(new Error('ended by Godel'));
    settle('cancelled');
    if (response.headersSent) breakOff(reason);
    else sendRefusal(response, wire, reason, spec.answerHeaders);
  });

  function begin(head: AnswerHead): void {
    state.streaming = headerOf(head.headers, 'content-type').includes('text/event-stream');
    tap = state.streaming ? createStreamTap(exchange.wire) : createBodyTap(exchange.wire);
    change = exchange.transform({ status: head.status, streaming: state.streaming });
    const kept = clientHeaders(head.headers);
    if (change) delete kept['content-length'];
    if (change?.contentType !== undefined) kept['content-type'] = change.contentType;
    response.writeHead(change?.status ?? head.status, { ...kept, ...spec.answerHeaders });
    state.events = String(kept['content-type'] ?? '').startsWith('text/event-stream');
    if (state.streaming) response.flushHeaders();
  }

  function write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    spec.watch?.(bytes);
    if (response.write(bytes)) return;
    // The provider has to wait for a slow client.
    controller?.pause();
    response.once('drain', () => controller?.resume());
  }

  function taken(): Buffer {
    const { batch } = state;
    state.batch = [];
    return batch.length === 1 ? (batch[0] as Buffer) : Buffer.concat(batch);
  }

  /** Reads and sends the events that wait. @throws what a translation throws */
  function readBatch(): void {
    if (state.batch.length === 0) return;
    const chunk = taken();
    tap?.push(chunk);
    const bytes = change ? change.push(chunk) : chunk;
    if (tap?.complete()) settle(state.status >= 400 ? 'upstream-error' : 'ok');
    write(bytes);
  }

  function sendBatch(): void {
    try {
      readBatch();
    } catch (error) {
      controller?.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  function pass(chunk: Buffer): void {
    if (state.streaming) {
      // All that one read brings is handed over before this tick is done.
      if (state.batch.push(chunk) === 1) process.nextTick(sendBatch);
      return;
    }
    tap?.push(chunk);
    const before = state.kept;
    state.kept = change ? change.push(chunk) : chunk;
    if (before) write(before);
  }

  function finish(): void {
    let rest: Buffer | undefined;
    try {
      readBatch();
      rest = change?.finish();
    } catch (error) {
      settle('cut');
      return breakOff(refusals.upstreamDown(error instanceof Error ? error.message : String(error)));
    }
    const broken = change?.broken?.() ?? false;
    settle(state.status >= 400 ? 'upstream-error' : broken ? 'cut' : 'ok');
    const { kept } = state;
    for (const last of [kept, rest]) if (last) spec.watch?.(last);
    if (kept && rest) response.write(kept);
    const last = rest ?? kept;
    // What is not complete has no clean end.
    if (broken) response.write(last ?? '', () => response.destroy());
    else response.end(last);
  }

  spec.dispatcher.dispatch(
    { origin: spec.origin, path: exchange.path, method: 'POST', headers: spec.headers, body: exchange.body },
    {
      onRequestStart(current) {
        controller = current;
        if (state.clientGone || ended) current.abort(new Error('client went away'));
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return;
        state.status = status;
        const head = { status, headers };
        if (spec.hold?.(head)) state.held = { head, chunks: [], size: 0 };
        else begin(head);
      },
      onResponseData(_controller, chunk) {
        state.firstByteMs ??= performance.now() - started;
        const { held } = state;
        if (!held) return pass(chunk);
        held.size += chunk.length;
        if (held.size <= MAX_HELD) held.chunks.push(chunk);
      },
      onResponseEnd() {
        const { held } = state;
        if (held) settle('upstream-error', { held: { ...held.head, body: Buffer.concat(held.chunks) } });
        else finish();
      },
      onResponseError(_controller, error) {
        const { held } = state;
        if (state.clientGone || ended) return settle('cancelled');
        if (held) return settle('upstream-error', { held: { ...held.head, body: Buffer.concat(held.chunks) } });
        sendBatch();
        if (!response.headersSent) return settle('failed', { problem: refusals.upstreamDown(error.message) });
        settle('cut');
        breakOff(refusals.cut());
      },
    },
  );
}

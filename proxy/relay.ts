/**
 * One request on its way to a provider and back: bytes as they are, with back-pressure, metered as they pass. The provider
 * hears at once when the client goes; a client never sees a clean end of an answer that was cut.
 */
import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { LedgerEntry } from '../src/costs/schema.ts';
import { clientHeaders } from './headers.ts';
import { type Refusal, refusalBody, refusalEvent, refusals } from './refusal.ts';
import { createBodyTap, createStreamTap, type Reading, type UsageTap, type Wire } from './usage.ts';
import { createUsageFilter } from './usage-chunk.ts';

export interface RelaySpec {
  dispatcher: Dispatcher;
  options: Dispatcher.DispatchOptions;
  response: ServerResponse;
  wire: Wire;
  /** Take the usage-only chunk out of the stream. */
  dropUsageChunk: boolean;
  /** Headers of Godel's own for the answer. */
  headers: Record<string, string>;
  /** Called once, before the last byte is sent. */
  onSettled: (result: RelayResult) => void;
  /** Gives the caller a way to end the request, for example when the key is revoked. */
  onStart: (end: (reason: Refusal) => void) => void;
}

export interface RelayResult {
  outcome: LedgerEntry['outcome'];
  status: number;
  reading: Reading | undefined;
  firstByteMs: number | null;
  latencyMs: number;
}

function headerOf(headers: Record<string, string | string[] | undefined>, name: string): string {
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
    'x-should-retry': refusal.status >= 500 ? 'true' : 'false',
  });
  response.end(body);
}

export function relay(spec: RelaySpec): void {
  const { response, wire } = spec;
  const started = performance.now();
  const state = { status: 0, firstByteMs: null as number | null, settled: false, clientGone: false, streaming: false };
  let tap: UsageTap | undefined;
  let filter: ReturnType<typeof createUsageFilter> | undefined;
  let controller: Dispatcher.DispatchController | undefined;
  let ended: Refusal | undefined;

  function settle(outcome: RelayResult['outcome']): void {
    if (state.settled) return;
    state.settled = true;
    response.off('close', onClose);
    spec.onSettled({
      outcome,
      status: state.status,
      reading: tap?.finish(),
      firstByteMs: state.firstByteMs,
      latencyMs: performance.now() - started,
    });
  }

  function onClose(): void {
    if (response.writableFinished) return;
    state.clientGone = true;
    controller?.abort(new Error('client went away'));
    settle('cancelled');
  }
  response.on('close', onClose);

  function fail(refusal: Refusal, outcome: RelayResult['outcome']): void {
    settle(outcome);
    if (!response.headersSent) return sendRefusal(response, wire, refusal, spec.headers);
    if (state.streaming && !response.destroyed) response.write(refusalEvent(wire, refusal), () => response.destroy());
    else response.destroy();
  }

  spec.onStart((reason) => {
    ended = reason;
    controller?.abort(new Error('ended by Godel'));
    fail(reason, 'cancelled');
  });

  spec.dispatcher.dispatch(spec.options, {
    onRequestStart(current) {
      controller = current;
      if (state.clientGone || ended) current.abort(new Error('client went away'));
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200) return;
      state.status = status;
      state.streaming = headerOf(headers, 'content-type').includes('text/event-stream');
      tap = state.streaming ? createStreamTap(wire) : createBodyTap(wire);
      if (spec.dropUsageChunk && state.streaming) filter = createUsageFilter();
      const kept = clientHeaders(headers);
      if (filter) delete kept['content-length'];
      response.writeHead(status, { ...kept, ...spec.headers });
      if (state.streaming) response.flushHeaders();
    },
    onResponseData(current, chunk) {
      state.firstByteMs ??= performance.now() - started;
      tap?.push(chunk);
      const bytes = filter ? filter.push(chunk) : chunk;
      if (bytes.length === 0 || response.write(bytes)) return;
      current.pause();
      response.once('drain', () => current.resume());
    },
    onResponseEnd() {
      const rest = filter?.finish();
      settle(state.status >= 400 ? 'upstream-error' : 'ok');
      response.end(rest);
    },
    onResponseError(_controller, error) {
      if (state.clientGone || ended) return settle('cancelled');
      const sent = response.headersSent;
      fail(sent ? refusals.cut() : refusals.upstreamDown(error.message), sent ? 'cut' : 'failed');
    },
  });
}

/** Errors in the dialect of the client, as a body or as an event inside a stream. Pure. */
import type { Fields } from '../http/fields.ts';
import type { Refusal } from '../refusal.ts';
import type { Wire } from './wire.ts';

/** Google's names, by HTTP status. */
const GOOGLE_STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

function codeOf({ status, type }: Refusal): string {
  if (status === 402) return 'insufficient_quota';
  return status === 429 ? 'rate_limit_exceeded' : type;
}

export function refusalBody(wire: Wire, error: Refusal): string {
  const { type, message, status } = error;
  if (wire === 'anthropic') return JSON.stringify({ type: 'error', error: { type, message } });
  if (wire === 'google') {
    const name = GOOGLE_STATUS[status] ?? (status >= 500 ? 'INTERNAL' : 'FAILED_PRECONDITION');
    return JSON.stringify({ error: { code: status, message, status: name } });
  }
  return JSON.stringify({ error: { message, type, param: null, code: codeOf(error) } });
}

/** Header fields of an answer that refuses; SDKs ask the first of them whether to try again. */
export function refusalFields({ status, retryAfterMs }: Refusal): Fields {
  const again = retryAfterMs !== undefined || status >= 500;
  const fields = ['content-type', 'application/json', 'x-should-retry', String(again)];
  if (retryAfterMs !== undefined) fields.push('retry-after', String(Math.ceil(retryAfterMs / 1000)));
  return fields;
}

/** An error event for a stream that has begun; the connection is then cut, never ended cleanly. */
export function refusalEvent(wire: Wire, error: Refusal): string {
  if (wire === 'responses') {
    const body = { type: 'error', code: codeOf(error), message: error.message, param: null, sequence_number: 0 };
    return `\n\nevent: error\ndata: ${JSON.stringify(body)}\n\n`;
  }
  const body = refusalBody(wire, error);
  return wire === 'anthropic' ? `\n\nevent: error\ndata: ${body}\n\n` : `\n\ndata: ${body}\n\n`;
}

/** Errors in the dialect of the client, as a body or as an event inside a stream. Pure. */
import type { Wire } from './usage.ts';

export interface Refusal {
  status: number;
  /** Anthropic error type. */
  type: string;
  message: string;
}

const refusal = (status: number, type: string, message: string): Refusal => ({ status, type, message });

export const refusals = {
  badKey: () => refusal(401, 'authentication_error', 'This Godel key is not valid (unknown or revoked).'),
  badJson: (problem: string) => refusal(400, 'invalid_request_error', `The request cannot be read: ${problem}.`),
  tooLarge: () => refusal(413, 'request_too_large', 'The request is larger than 64 MiB.'),
  noRoute: (path: string) => refusal(404, 'not_found_error', `The Godel proxy does not serve ${path}.`),
  noModel: (model: string) =>
    refusal(404, 'not_found_error', `No configured provider serves the model "${model}" in this dialect.`),
  // 402 is final for every SDK: a spent budget must not be tried again.
  budget: (message: string) => refusal(402, 'billing_error', message),
  upstreamDown: (problem: string) => refusal(502, 'api_error', `The provider cannot be reached: ${problem}.`),
  cut: () => refusal(502, 'api_error', 'The provider cut the answer off before its end.'),
  revoked: () => refusal(401, 'authentication_error', 'This Godel key was revoked.'),
  internal: () => refusal(500, 'api_error', 'The Godel proxy failed on this request; its log has the details.'),
};

export function refusalBody(wire: Wire, { type, message, status }: Refusal): string {
  if (wire === 'anthropic') return JSON.stringify({ type: 'error', error: { type, message } });
  return JSON.stringify({ error: { message, type, param: null, code: status === 402 ? 'insufficient_quota' : type } });
}

/** An error event for a stream that has begun; the connection is then cut, never ended cleanly. */
export function refusalEvent(wire: Wire, error: Refusal): string {
  const body = refusalBody(wire, error);
  return wire === 'anthropic' ? `\n\nevent: error\ndata: ${body}\n\n` : `\n\ndata: ${body}\n\n`;
}

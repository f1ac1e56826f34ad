/** What Godel itself refuses, and how it says so; the shapes of the dialects are in wire/errors.ts. Pure. */

export interface Refusal {
  status: number;
  /** Anthropic error type. */
  type: string;
  message: string;
  /** When to try again; without it a refusal below 500 is final. */
  retryAfterMs?: number;
}

const refusal = (status: number, type: string, message: string): Refusal => ({ status, type, message });

export const refusals = {
  badKey: () => refusal(401, 'authentication_error', 'This Godel key is not valid (unknown or revoked).'),
  badJson: (problem: string) => refusal(400, 'invalid_request_error', `The request cannot be read: ${problem}.`),
  badRequest: (message: string) => refusal(400, 'invalid_request_error', message),
  tooLarge: () => refusal(413, 'request_too_large', 'The request is larger than 64 MiB.'),
  headersTooLarge: () => refusal(431, 'invalid_request_error', 'The headers of the request are larger than 32 KiB.'),
  tooSlow: () => refusal(408, 'invalid_request_error', 'The request did not arrive in time.'),
  notHttp: () => refusal(400, 'invalid_request_error', 'This is no HTTP request that can be read.'),
  noRoute: (path: string) => refusal(404, 'not_found_error', `The Godel proxy does not serve ${path}.`),
  noModel: (model: string) =>
    refusal(404, 'not_found_error', `No configured provider serves the model "${model}" for this call.`),
  // 402 is final for every SDK: a spent budget must not be tried again.
  budget: (message: string) => refusal(402, 'billing_error', message),
  upstreamDown: (problem: string) => refusal(502, 'api_error', `The provider cannot be reached: ${problem}.`),
  cut: () => refusal(502, 'api_error', 'The provider cut the answer off before its end.'),
  revoked: () => refusal(401, 'authentication_error', 'This Godel key was revoked.'),
  expired: () => refusal(401, 'authentication_error', 'This Godel key has expired.'),
  modelNotAllowed: (model: string) =>
    refusal(403, 'permission_error', `This Godel key may not use the model "${model}".`),
  limited: (message: string, retryAfterMs: number) => ({
    ...refusal(429, 'rate_limit_error', message),
    retryAfterMs,
  }),
  // Like a spent budget: the same request would be refused again.
  final: (message: string) => refusal(402, 'billing_error', message),
  providerKeyRefused: (provider: string) =>
    refusal(403, 'permission_error', `The provider ${provider} refuses Godel's key. godel provider test ${provider}`),
  unpriced: (model: string) =>
    refusal(403, 'permission_error', `The model "${model}" has no known price, and only priced models may be used.`),
  ledgerBroken: (retryAfterMs: number) => ({
    ...refusal(503, 'api_error', 'The ledger cannot be written now (is the disk full?), so nothing may be spent.'),
    retryAfterMs,
  }),
  internal: () => refusal(500, 'api_error', 'The Godel proxy failed on this request; its log has the details.'),
};

/**
 * Refusals and failures a person is meant to read. A bug is never a GodelError.
 * Kinds are the API error codes of prd-v2 section 10.2; exit codes are those of the contract.
 */

export type ErrorKind =
  | 'invalid_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'rate_limited'
  | 'internal_error'
  | 'service_unavailable'
  | 'gateway_timeout';

export const HTTP_STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  internal_error: 500,
  service_unavailable: 503,
  gateway_timeout: 504,
};

/** Process exit codes: 1 refused or failed, 2 wrong usage, 3 not found, 4 conflict, 5 unreachable. */
export const EXIT_CODE: Readonly<Record<ErrorKind, number>> = {
  invalid_request: 2,
  unauthorized: 1,
  forbidden: 1,
  not_found: 3,
  conflict: 4,
  rate_limited: 1,
  internal_error: 1,
  service_unavailable: 5,
  gateway_timeout: 1,
};

export type ErrorParams = Readonly<Record<string, unknown>>;

export interface ErrorSpec {
  readonly kind: ErrorKind;
  /** Overrides the exit code of the kind. */
  readonly exit?: number;
  /** What was refused and why, one line. */
  readonly message: (params: ErrorParams) => string;
  /** A command or act that helps, one line. */
  readonly hint: (params: ErrorParams) => string;
}

export interface ErrorInit {
  reason: string;
  kind: ErrorKind;
  message: string;
  hint: string;
  exit?: number;
  params?: ErrorParams;
  cause?: unknown;
}

export class GodelError extends Error {
  readonly reason: string;
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly exitCode: number;
  readonly params: ErrorParams;

  constructor(init: ErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'GodelError';
    this.reason = init.reason;
    this.kind = init.kind;
    this.hint = init.hint;
    this.exitCode = init.exit ?? EXIT_CODE[init.kind];
    this.params = init.params ?? {};
  }

  get httpStatus(): number {
    return HTTP_STATUS[this.kind];
  }
}

/** What was thrown, as an error. */
export const errorOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** The message of anything thrown, on one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}

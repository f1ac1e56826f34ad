/** Typed client of the daemon: every operation is a call, every refusal a GodelError again. */
import { type ErrorKind, GodelError, messageOf } from '../base/error.ts';
import type { AnyOperation, InputOf, OutputOf } from '../base/operation.ts';
import { failure } from '../errors.ts';
import type { Operations } from '../operations.ts';
import type { EventsOptions } from './events.ts';
import { type Answer, type Endpoint, exchange, keptConnections } from './http.ts';

export interface ClientOptions extends Endpoint {
  token?: string | undefined;
  projectId?: string | undefined;
  /** Folder inside a repository, when the project's id is not known. */
  projectPath?: string | undefined;
  /** Milliseconds to wait for an answer; 0, the default, waits as long as the daemon works on it. */
  timeoutMs?: number | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

export interface Client {
  call<K extends keyof Operations>(
    key: K,
    input: InputOf<Operations[K]>,
    options?: CallOptions,
  ): Promise<OutputOf<Operations[K]>>;
  /** The same by its route alone, without reading what all the others are. */
  send(http: Route, input: Fields): Promise<unknown>;
  /** Follows events until the signal aborts. */
  events(options: EventsOptions): Promise<void>;
}

type Fields = Record<string, unknown>;
type Route = Pick<AnyOperation['http'], 'method' | 'path'>;

/** Path, query and body of a call. Pure. */
export function encodeCall(http: Route, fields: Fields): { path: string; body: string | undefined } {
  const rest: Fields = { ...fields };
  const path = http.path.replaceAll(/:([a-zA-Z]+)/g, (_match, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value ?? '-'));
  });
  if (!['GET', 'DELETE'].includes(http.method)) return { path: `/api/v1${path}`, body: JSON.stringify(rest) };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(rest)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) query.append(key, String(each));
  }
  const text = query.toString();
  return { path: `/api/v1${path}${text === '' ? '' : `?${text}`}`, body: undefined };
}

interface Envelope {
  success: boolean;
  data?: unknown;
  error?: { code: ErrorKind; message: string; details: { reason?: string; hint?: string } & Fields };
}

function decode(answer: Answer): unknown {
  let envelope: Envelope;
  try {
    envelope = JSON.parse(answer.text) as Envelope;
  } catch (error) {
    throw failure('daemon-unreachable', { problem: `status ${answer.status} without JSON` }, error);
  }
  if (envelope.success) return envelope.data;
  const { code, message, details } = envelope.error ?? {
    code: 'internal_error' as const,
    message: answer.text,
    details: {} as Fields,
  };
  const { reason = 'internal', hint = '', ...params } = details as { reason?: string; hint?: string };
  // The table knows the exit code of a reason; a newer daemon may send one that is not in it.
  const known = knownExit(reason, params);
  throw new GodelError({ reason, kind: code, message, hint, params, ...(known === undefined ? {} : { exit: known }) });
}

function knownExit(reason: string, params: Fields): number | undefined {
  try {
    return failure(reason as Parameters<typeof failure>[0], params).exitCode;
  } catch {
    return undefined;
  }
}

export function createClient(options: ClientOptions): Client {
  const headers: Record<string, string> = {
    ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    ...(options.projectId ? { 'x-godel-project': options.projectId } : {}),
    ...(!options.projectId && options.projectPath ? { 'x-godel-path': encodeURIComponent(options.projectPath) } : {}),
  };
  const endpoint = { ...options, connections: keptConnections(options) };
  async function send(http: Route, input: Fields, call: CallOptions = {}): Promise<unknown> {
    const { path, body } = encodeCall(http, input);
    const answer = await exchange(endpoint, {
      method: http.method,
      path,
      headers:
        body === undefined
          ? headers
          : { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
      body,
      timeoutMs: call.timeoutMs ?? options.timeoutMs ?? 0,
      signal: call.signal,
    }).catch((error: unknown) => {
      throw failure('daemon-unreachable', { problem: messageOf(error) }, error);
    });
    return decode(answer);
  }

  return {
    send,
    async call(key, input, call) {
      const { operations } = await import('../operations.ts');
      return send(operations[key].http, input as Fields, call) as never;
    },
    async events(follow) {
      const { followEvents } = await import('./events.ts');
      followEvents(options, headers, options.projectId, follow);
    },
  };
}

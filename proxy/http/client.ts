/** Calls one origin, on connections that are kept open between calls. */
import { errorOf } from '../../src/base/error.ts';
import {
  type Call,
  type CallControl,
  type CallHandlers,
  type CallTimes,
  callHead,
  connectProvider,
  type Origin,
  type ProviderConnection,
} from './call.ts';
import { createOpenConnections } from './open-connections.ts';

export interface HttpClient {
  call(call: Call, handlers: CallHandlers): CallControl;
  /** Cuts what is under way. */
  stop(): void;
}

export interface HttpClientOptions {
  origin: Origin;
  times: CallTimes;
  /** Most connections at a time; more calls wait. */
  connections: number;
}

interface Queued {
  head: string;
  body: Buffer;
  handlers: CallHandlers;
  /** Once it has got a connection. */
  control: CallControl | undefined;
}

/** Of a call that never began. */
const OVER: CallControl = { abort() {}, pause() {}, resume() {} };

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const open = createOpenConnections<ProviderConnection>();
  const free: ProviderConnection[] = [];
  const queue: Queued[] = [];

  function connection(): ProviderConnection {
    const made = connectProvider(options.origin, options.times, {
      free() {
        const next = queue.shift();
        if (next) begin(next, made);
        else free.push(made);
      },
      gone() {
        leave();
        const at = free.indexOf(made);
        if (at >= 0) free.splice(at, 1);
        serve();
      },
    });
    const leave = open.join(made);
    return made;
  }

  /** The connection that was used last: the others may rest until they are closed. */
  function idle(): ProviderConnection | undefined {
    const now = performance.now();
    for (let found = free.pop(); found; found = free.pop()) if (found.fit(now)) return found;
    return undefined;
  }

  function begin(queued: Queued, on: ProviderConnection): void {
    queued.control = on.start(queued.head, queued.body, queued.handlers);
  }

  function serve(): void {
    while (queue.length > 0 && open.count() < options.connections) begin(queue.shift() as Queued, connection());
  }

  function abortQueued(queued: Queued, error: Error): void {
    const at = queue.indexOf(queued);
    if (at < 0) return;
    queue.splice(at, 1);
    queued.handlers.onError(error);
  }

  return {
    call(call, handlers) {
      let head: string;
      try {
        head = callHead(call, options.origin.host);
      } catch (error) {
        handlers.onError(errorOf(error));
        return OVER;
      }
      const { body } = call;
      const found = idle() ?? (open.count() < options.connections ? connection() : undefined);
      if (found) return found.start(head, body, handlers);
      const queued: Queued = { head, body, handlers, control: undefined };
      queue.push(queued);
      return {
        abort: (error) => (queued.control ? queued.control.abort(error) : abortQueued(queued, error)),
        pause: () => queued.control?.pause(),
        resume: () => queued.control?.resume(),
      };
    },
    stop() {
      open.stop();
      for (const connection of open.values()) connection.destroy(new Error('Godel stops'));
      for (const queued of queue.splice(0)) queued.handlers.onError(new Error('Godel stops'));
    },
  };
}

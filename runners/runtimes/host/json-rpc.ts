/** JSON-RPC 2.0 over JSON lines, both ways: Codex's app-server and ACP agents speak it. */
import type { Json } from '../../../src/base/json-lines.ts';
import type { JsonLines } from './json-lines.ts';

export interface RpcOptions {
  onNotification: (method: string, params: Json) => void;
  /** Answers a request of the program; a rejection becomes an error answer. */
  onRequest: (method: string, params: Json, id: string | number) => Promise<unknown>;
}

export interface Rpc {
  call(method: string, params: Json): Promise<Json>;
  notify(method: string, params?: Json): void;
  /** To be given every message of the program. */
  take(message: Json): void;
  /** Ends every call that waits. */
  end(reason: string): void;
}

const NO_METHOD = -32601;

function reasonOf(error: unknown): string {
  const { message, data } = (error ?? {}) as { message?: string; data?: unknown };
  return [message ?? 'refused', data === undefined ? '' : JSON.stringify(data).slice(0, 500)].filter(Boolean).join(' ');
}

export function createRpc(lines: () => JsonLines, options: RpcOptions): Rpc {
  const waiting = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  let next = 1;

  function respond(message: Json): void {
    const { id, method } = message as { id: string | number; method: string };
    options.onRequest(method, (message.params ?? {}) as Json, id).then(
      (result) => lines().send({ jsonrpc: '2.0', id, result: result ?? null }),
      (error: unknown) => lines().send({ jsonrpc: '2.0', id, error: { code: NO_METHOD, message: reasonOf(error) } }),
    );
  }

  return {
    call(method, params) {
      const id = next;
      next += 1;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        lines().send({ jsonrpc: '2.0', id, method, params });
      });
    },
    notify: (method, params = {}) => lines().send({ jsonrpc: '2.0', method, params }),
    take(message) {
      if (typeof message.method === 'string') {
        if (message.id === undefined) options.onNotification(message.method, (message.params ?? {}) as Json);
        else respond(message);
        return;
      }
      const call = waiting.get(Number(message.id));
      if (!call) return;
      waiting.delete(Number(message.id));
      if (message.error === undefined) call.resolve((message.result ?? {}) as Json);
      else call.reject(new Error(reasonOf(message.error)));
    },
    end(reason) {
      for (const call of waiting.values()) call.reject(new Error(reason));
      waiting.clear();
    },
  };
}

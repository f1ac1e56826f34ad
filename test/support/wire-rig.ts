/** The wire part of the proxy alone: one provider, no keys, no money. */
import { providerHeaders } from '../../proxy/headers.ts';
import type { Answer } from '../../proxy/http/answer.ts';
import type { Request } from '../../proxy/http/connection.ts';
import { createHttpServer } from '../../proxy/http/server.ts';
import { createPools } from '../../proxy/pools.ts';
import { type Refusal, refusals } from '../../proxy/refusal.ts';
import { type RelayResult, relay, sendHeld, sendRefusal } from '../../proxy/relay.ts';
import { readBody } from '../../proxy/request-body.ts';
import { exchange } from '../../proxy/wire/exchange.ts';
import { readFields } from '../../proxy/wire/fields.ts';
import { WireError } from '../../proxy/wire/neutral.ts';
import { routeOf, wireOf } from '../../proxy/wire/routes.ts';
import type { Provider } from '../../src/costs/schema.ts';

export interface WireRig {
  url: string;
  results: RelayResult[];
  stop(): Promise<void>;
}

const MOST_BODY = 64 * 1024 * 1024;

export async function createWireRig(provider: () => Provider): Promise<WireRig> {
  const pools = createPools();
  const results: RelayResult[] = [];

  function handle(request: Request, response: Answer, body: Buffer | Refusal): void {
    const { url } = request;
    const wire = wireOf(url, request.fields);
    if (!Buffer.isBuffer(body)) return sendRefusal(response, wire, body);
    const route = routeOf(request.method, url, request.fields);
    if (!route) return sendRefusal(response, wire, refusals.noRoute(url));
    const target = provider();
    const fields = readFields(route, body);
    try {
      const made = exchange({ route, fields, body, provider: target, model: fields.model });
      if (made.reply) return response.writeHead(200, ['content-type', 'application/json']).end(made.reply);
      const { client, prefix } = pools.of(target);
      relay({
        client,
        path: prefix + made.path,
        exchange: made,
        fields: providerHeaders(request.fields, { provider: target, apiKey: 'key', exchange: made }),
        response,
        answerFields: made.dropped.length > 0 ? ['x-godel-dropped', made.dropped.join(' ')] : [],
        onStart: () => {},
        whenSafe: (then) => then(),
        onSettled: (result) => {
          results.push(result);
          if (result.held) sendHeld(response, made, result.held, []);
          else if (!result.answered) sendRefusal(response, wire, result.problem ?? refusals.internal());
        },
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      sendRefusal(response, route.wire, refusals.badRequest(error.message));
    }
  }

  const server = createHttpServer({
    handle: (request, response) => readBody(request, MOST_BODY, (body) => handle(request, response, body)),
    refuse: (socket) => void socket.destroy(),
    headMs: 60_000,
    bodyMs: 60_000,
  });
  return {
    url: `http://127.0.0.1:${await server.listen(0, '127.0.0.1')}`,
    results,
    async stop() {
      await server.stop(0);
      pools.stop();
    },
  };
}

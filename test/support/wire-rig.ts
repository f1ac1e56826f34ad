/** The wire part of the proxy alone: one provider, no keys, no money. */
import { createServer } from 'node:http';
import { Pool } from 'undici';
import { providerHeaders } from '../../proxy/headers.ts';
import { refusals } from '../../proxy/refusal.ts';
import { type RelayResult, relay, sendHeld, sendRefusal } from '../../proxy/relay.ts';
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

export async function createWireRig(provider: () => Provider): Promise<WireRig> {
  const pools = new Map<string, Pool>();
  const results: RelayResult[] = [];
  const server = createServer(async (request, response) => {
    const url = request.url ?? '/';
    const wire = wireOf(url, request.headers);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const route = routeOf(request.method ?? 'GET', url, request.headers);
    if (!route) return sendRefusal(response, wire, refusals.noRoute(url));
    const target = provider();
    const fields = readFields(route, body);
    try {
      const made = exchange({ route, fields, body, provider: target, model: fields.model });
      if (made.reply) return void response.writeHead(200, { 'content-type': 'application/json' }).end(made.reply);
      const pool = pools.get(target.baseUrl) ?? new Pool(target.baseUrl);
      pools.set(target.baseUrl, pool);
      relay({
        dispatcher: pool,
        origin: target.baseUrl,
        exchange: made,
        headers: providerHeaders(request.headers, { provider: target, apiKey: 'key', exchange: made }),
        response,
        answerHeaders: made.dropped.length > 0 ? { 'x-godel-dropped': made.dropped.join(' ') } : {},
        onStart: () => {},
        onSettled: (result) => {
          results.push(result);
          if (result.held) sendHeld(response, made, result.held);
          else if (!result.answered) sendRefusal(response, wire, result.problem ?? refusals.internal());
        },
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      sendRefusal(response, route.wire, refusals.badRequest(error.message));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    results,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

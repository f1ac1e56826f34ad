/** What a recording knows without asking any code of Godel: the requests of the program, and the files its tools make. */
import { createServer, request as forward, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface Facts {
  /** Base URL of the provider, with a counter before it. */
  url: string;
  inFlight(): number;
  /** Requests that were answered so far, with each status. */
  answered(): readonly number[];
  /** Resolves when no request was under way for `quietMs` from now on. */
  quiet(quietMs: number): Promise<void>;
  stop(): Promise<void>;
}

const LIMIT_MS = 120_000;

export async function until(what: string, probe: () => boolean | Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
  for (const end = Date.now() + limitMs; !(await probe()); await delay(20)) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
  }
}

/** Stands before a provider and counts what passes. */
export async function createFacts(providerUrl: string): Promise<Facts> {
  const { hostname, port } = new URL(providerUrl);
  let inFlight = 0;
  let lastMs = Date.now();
  const answered: number[] = [];
  const server: Server = createServer((request, response) => {
    const generates = request.method === 'POST' && !/count/i.test(request.url ?? '');
    if (generates) inFlight += 1;
    lastMs = Date.now();
    const out = forward(
      { hostname, port, path: request.url, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
        if (generates) answer.on('end', () => answered.push(answer.statusCode ?? 0));
      },
    );
    out.on('error', () => response.destroy());
    request.pipe(out);
    response.on('close', () => {
      if (generates) inFlight -= 1;
      lastMs = Date.now();
      out.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    inFlight: () => inFlight,
    answered: () => answered,
    quiet(quietMs) {
      const began = Date.now();
      return until('no request is under way', () => inFlight === 0 && Date.now() - Math.max(lastMs, began) > quietMs);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

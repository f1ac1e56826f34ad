/** Connections to providers, kept open between requests; one pool for every origin and set of trusted certificates. */
import { rootCertificates } from 'node:tls';
import type { Provider } from '../src/costs/schema.ts';
import { createHttpClient, type HttpClient } from './http/client.ts';

/** A pool, and the path of the provider's base URL without a slash at its end. */
export interface Reached {
  client: HttpClient;
  prefix: string;
}

export interface Pools {
  of(provider: Provider): Reached;
  stop(): void;
}

const TIMES = { connect: 10_000, head: 15 * 60_000, body: 10 * 60_000, idle: 60_000 };
const CONNECTIONS = 512;

export function createPools(): Pools {
  const pools = new Map<string, HttpClient>();
  const byProvider = new WeakMap<Provider, Reached>();

  function poolFor({ protocol, hostname, host, port, origin }: URL, ca: string | undefined): HttpClient {
    const name = `${origin} ${ca ?? ''}`;
    const known = pools.get(name);
    if (known) return known;
    const secure = protocol === 'https:';
    const pool = createHttpClient({
      origin: {
        secure,
        hostname: hostname.replaceAll(/^\[|\]$/g, ''),
        host,
        port: port === '' ? (secure ? 443 : 80) : Number(port),
        ca: ca === undefined ? undefined : [...rootCertificates, ca],
      },
      times: TIMES,
      connections: CONNECTIONS,
    });
    pools.set(name, pool);
    return pool;
  }

  return {
    of(provider) {
      const known = byProvider.get(provider);
      if (known) return known;
      const url = new URL(provider.baseUrl);
      const reached = { client: poolFor(url, provider.ca), prefix: url.pathname.replace(/\/$/, '') };
      byProvider.set(provider, reached);
      return reached;
    },
    stop() {
      for (const pool of pools.values()) pool.stop();
    },
  };
}

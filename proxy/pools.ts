/** Connections to providers, kept open between requests; one pool for every origin and set of trusted certificates. */
import { rootCertificates } from 'node:tls';
import { Pool } from 'undici';
import type { Provider } from '../src/costs/schema.ts';

export interface Address {
  origin: string;
  /** Path of the base URL, without a slash at its end. */
  prefix: string;
}

const addresses = new WeakMap<Provider, Address>();

/** Where a provider is. Its URL is read once. */
export function addressOf(provider: Provider): Address {
  const known = addresses.get(provider);
  if (known) return known;
  const { origin, pathname } = new URL(provider.baseUrl);
  const address = { origin, prefix: pathname.replace(/\/$/, '') };
  addresses.set(provider, address);
  return address;
}

export interface Pools {
  of(provider: Provider): Pool;
  stop(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 15 * 60_000;
const BODY_TIMEOUT_MS = 10 * 60_000;

export function createPools(): Pools {
  const pools = new Map<string, Pool>();
  const byProvider = new WeakMap<Provider, Pool>();

  function poolFor(provider: Provider): Pool {
    const { origin } = addressOf(provider);
    const name = `${origin} ${provider.ca ?? ''}`;
    const known = pools.get(name);
    if (known) return known;
    const pool = new Pool(origin, {
      ...(provider.ca === undefined ? {} : { connect: { ca: [...rootCertificates, provider.ca] } }),
      connections: 512,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 60_000,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
    });
    pools.set(name, pool);
    return pool;
  }

  return {
    of(provider) {
      const known = byProvider.get(provider);
      if (known) return known;
      const pool = poolFor(provider);
      byProvider.set(provider, pool);
      return pool;
    },
    async stop() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

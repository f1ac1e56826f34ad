/** Asks a provider for its models with every key it has: the cheapest proof that an address and a key work. */
import { messageOf } from '../src/base/error.ts';
import type { Provider } from '../src/costs/schema.ts';
import { providerHeaders } from './headers.ts';
import { type Health, judge } from './health.ts';
import type { Pools } from './pools.ts';

export interface KeyTest {
  key: string;
  ok: boolean;
  status: number | null;
  latencyMs: number;
  problem?: string;
}

const TIMEOUT_MS = 15_000;
const WIRE = { anthropic: 'anthropic', openai: 'chat', google: 'google' } as const;

async function testKey(provider: Provider, key: string, apiKey: string | undefined, pools: Pools): Promise<KeyTest> {
  const base = new URL(provider.baseUrl);
  const prefix = base.pathname.replace(/\/$/, '');
  const started = performance.now();
  const spent = () => Math.round(performance.now() - started);
  try {
    const exchange = { wire: WIRE[provider.dialect], translated: false, body: Buffer.alloc(0) };
    const { 'content-length': _none, ...headers } = providerHeaders({}, { provider, apiKey, exchange });
    const { statusCode, body } = await pools.of(provider).request({
      origin: base.origin,
      path: `${prefix}/${provider.dialect === 'google' ? 'v1beta' : 'v1'}/models`,
      method: 'GET',
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await body.text()).slice(0, 300);
    if (statusCode < 300) return { key, ok: true, status: statusCode, latencyMs: spent() };
    const { kind } = judge({ status: statusCode, headers: {}, text }, Date.now());
    return { key, ok: false, status: statusCode, latencyMs: spent(), problem: kind };
  } catch (error) {
    return { key, ok: false, status: null, latencyMs: spent(), problem: messageOf(error) };
  }
}

export async function testProvider(options: {
  id: string;
  providers: readonly Provider[];
  pools: Pools;
  health: Health;
  now: () => number;
}): Promise<{ id: string; found: boolean; tests: KeyTest[] }> {
  const provider = options.providers.find((each) => each.id === options.id);
  if (!provider) return { id: options.id, found: false, tests: [] };
  const keys: { id: string; value?: string }[] = provider.keys.length > 0 ? provider.keys : [{ id: '' }];
  const tests = await Promise.all(keys.map((key) => testKey(provider, key.id, key.value, options.pools)));
  // What was found to work is used again at once.
  if (tests.every((test) => test.ok)) options.health.reset(provider.id);
  return { id: provider.id, found: true, tests };
}

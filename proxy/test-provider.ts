/** Asks a provider for its models with every key it has: the cheapest proof that an address and a key work. */
import { messageOf } from '../src/base/error.ts';
import type { Provider } from '../src/costs/schema.ts';
import { providerHeaders } from './headers.ts';
import { type Health, judge } from './health.ts';
import type { HttpClient } from './http/client.ts';
import { type Fields, without } from './http/fields.ts';
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

/** Of an answer this much (characters) is looked at. */
const MOST_TEXT = 300;

/** Rejects when nothing comes in time. */
function ask(client: HttpClient, path: string, fields: Fields): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let answer = { status: 0, text: '' };
    const limit = setTimeout(() => control.abort(new Error('timeout: no answer came')), TIMEOUT_MS);
    const control = client.call(
      { method: 'GET', path, fields, body: Buffer.alloc(0) },
      {
        onHead(status) {
          answer = { status, text: '' };
        },
        onData(bytes) {
          if (answer.text.length < MOST_TEXT) answer.text += bytes.toString('utf8');
        },
        onEnd() {
          clearTimeout(limit);
          resolve({ ...answer, text: answer.text.slice(0, MOST_TEXT) });
        },
        onError(error) {
          clearTimeout(limit);
          reject(error);
        },
      },
    );
  });
}

async function testKey(provider: Provider, key: string, apiKey: string | undefined, pools: Pools): Promise<KeyTest> {
  const started = performance.now();
  const spent = () => Math.round(performance.now() - started);
  try {
    const exchange = { wire: WIRE[provider.dialect], translated: false, body: Buffer.alloc(0) };
    const { client, prefix } = pools.of(provider);
    const path = `${prefix}/${provider.dialect === 'google' ? 'v1beta' : 'v1'}/models`;
    const fields = without(providerHeaders([], { provider, apiKey, exchange }), 'content-length');
    const { status, text } = await ask(client, path, fields);
    if (status < 300) return { key, ok: true, status, latencyMs: spent() };
    const { kind } = judge({ status, headers: {}, text }, Date.now());
    return { key, ok: false, status, latencyMs: spent(), problem: kind };
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

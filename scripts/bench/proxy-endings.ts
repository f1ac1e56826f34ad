/** How long it takes until a provider hears that a client has gone, and until a stream of a revoked key ends, 50 other streams beside. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProxyClient } from '../../src/daemon/proxy-client.ts';
import { type Case, measure, share } from './proxy-load.ts';
import type { Target } from './proxy-targets.ts';

const TRIES = 40;
const BAR = '< 100 ms';

const milliseconds = (from: bigint, to: bigint) => Number(to - from) / 1e6;

/** A stream that has begun. */
async function open(url: string, load: Case, headers: Record<string, string>): Promise<IncomingMessage> {
  const sent = request(`${url}${load.path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
  });
  sent.on('error', () => {});
  sent.end(load.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  await once(response, 'data');
  return response;
}

/** What the provider has seen. */
export async function seenBy(upstream: string): Promise<{ requests: number; gone: number; at: string }> {
  return (await (await fetch(`${upstream}/seen`)).json()) as { requests: number; gone: number; at: string };
}

async function cancelled(target: Target, upstream: string, load: Case): Promise<number> {
  const stream = await open(target.url, load, target.headers);
  const before = await seenBy(upstream);
  const started = process.hrtime.bigint();
  stream.destroy();
  for (;;) {
    const { gone, at } = await seenBy(upstream);
    if (gone > before.gone) return milliseconds(started, BigInt(at));
    await delay(2);
  }
}

async function revoked(target: Target, proxy: ProxyClient, load: Case): Promise<number> {
  const token = `godel_vk_${randomBytes(24).toString('base64url')}`;
  const hash = createHash('sha256').update(token).digest('hex');
  await proxy.putKey({
    hash,
    agentId: hash,
    agentName: 'revoked',
    projectId: 'bench',
    createdAt: new Date().toISOString(),
  });
  const stream = await open(target.url, load, { authorization: `Bearer ${token}` });
  const closed = new Promise((resolve) => stream.resume().once('close', resolve));
  const started = process.hrtime.bigint();
  await proxy.deleteKeysOfAgent(hash);
  await closed;
  return milliseconds(started, process.hrtime.bigint());
}

/** Rows of figures: what, measured, bar. */
export async function measureEndings(
  target: Target,
  upstream: string,
  proxy: ProxyClient,
  load: Case,
): Promise<string[][]> {
  const beside = measure(target, { ...load, clients: 50, ms: 5_000 });
  const [gone, ended]: [number[], number[]] = [[], []];
  for (let count = 0; count < TRIES; count += 1) {
    gone.push(await cancelled(target, upstream, load));
    ended.push(await revoked(target, proxy, load));
  }
  await beside;
  const row = (what: string, values: number[]) => [
    what,
    `${share(values, 0.5).toFixed(1)} / ${share(values, 0.99).toFixed(1)} ms`,
    BAR,
  ];
  return [
    row('provider hears that the client went, p50 / p99', gone),
    row('stream of a revoked key ends, p50 / p99', ended),
  ];
}

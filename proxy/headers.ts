/** Allow lists of headers, both ways. What is not named does not pass: keys and cookies cannot leak by being forgotten. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '../src/costs/schema.ts';
import type { Exchange } from './wire/exchange.ts';

const TO_PROVIDER = new Set([
  'accept',
  'content-type',
  'user-agent',
  'anthropic-version',
  'anthropic-beta',
  'openai-beta',
  'idempotency-key',
  'x-goog-api-client',
]);

/** Of no meaning to a provider of another dialect. */
const OF_A_DIALECT = new Set(['accept', 'anthropic-version', 'anthropic-beta', 'openai-beta']);

const TO_CLIENT = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'cache-control',
  'retry-after',
  'retry-after-ms',
  'request-id',
  'x-request-id',
  'openai-processing-ms',
  'x-should-retry',
]);
const TO_CLIENT_PREFIXES = ['anthropic-ratelimit-', 'x-ratelimit-'];

export interface HeadersFor {
  provider: Provider;
  apiKey: string | undefined;
  exchange: Pick<Exchange, 'wire' | 'translated' | 'body'>;
}

/** What the provider gets: its own key, and of the client's headers only those that are listed. */
export function providerHeaders(
  headers: IncomingHttpHeaders,
  { provider, apiKey, exchange }: HeadersFor,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of TO_PROVIDER) {
    const value = headers[name];
    if (value === undefined || (exchange.translated && OF_A_DIALECT.has(name))) continue;
    kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  kept['content-length'] = String(exchange.body.length);
  // Compressed answers could not be metered as they pass.
  kept['accept-encoding'] = 'identity';
  for (const [name, value] of Object.entries(provider.headers)) kept[name.toLowerCase()] = value;
  if (exchange.wire === 'anthropic') kept['anthropic-version'] ??= '2023-06-01';
  if (apiKey === undefined) return kept;
  if (provider.dialect === 'anthropic') kept['x-api-key'] = apiKey;
  else if (provider.dialect === 'google') kept['x-goog-api-key'] = apiKey;
  else kept.authorization = `Bearer ${apiKey}`;
  return kept;
}

export function clientHeaders(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (value !== undefined && (TO_CLIENT.has(lower) || TO_CLIENT_PREFIXES.some((prefix) => lower.startsWith(prefix))))
      kept[lower] = value;
  }
  return kept;
}

/** The token of a client, in whichever header its dialect puts it, or in the query as Google allows. */
export function tokenOf(headers: IncomingHttpHeaders, url = ''): string | undefined {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = bearer ?? headers['x-api-key'] ?? headers['x-goog-api-key'] ?? /[?&]key=([^&]+)/.exec(url)?.[1];
  return typeof key === 'string' && key !== '' ? key.trim() : undefined;
}

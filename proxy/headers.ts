/** Allow lists of headers, both ways. What is not named does not pass: keys and cookies cannot leak by being forgotten. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '../src/costs/schema.ts';

const TO_PROVIDER = new Set([
  'accept',
  'content-type',
  'user-agent',
  'anthropic-version',
  'anthropic-beta',
  'openai-beta',
  'idempotency-key',
]);

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

export function providerHeaders(
  headers: IncomingHttpHeaders,
  provider: Provider,
  length: number,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (TO_PROVIDER.has(name) && value !== undefined) kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  if (length > 0) kept['content-length'] = String(length);
  // Compressed answers could not be metered as they pass.
  kept['accept-encoding'] = 'identity';
  for (const [name, value] of Object.entries(provider.headers)) kept[name.toLowerCase()] = value;
  if (provider.apiKey !== undefined) {
    if (provider.dialect === 'anthropic') kept['x-api-key'] = provider.apiKey;
    else kept.authorization = `Bearer ${provider.apiKey}`;
  }
  if (provider.dialect === 'anthropic') kept['anthropic-version'] ??= '2023-06-01';
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

/** The token of a client, in whichever header its dialect puts it. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = bearer ?? headers['x-api-key'] ?? headers['x-goog-api-key'];
  return typeof key === 'string' && key !== '' ? key.trim() : undefined;
}

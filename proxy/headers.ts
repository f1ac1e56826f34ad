/** Allow lists of headers, both ways. What is not named does not pass: keys and cookies cannot leak by being forgotten. Pure. */
import type { Provider } from '../src/costs/schema.ts';
import { type Fields, fieldOf } from './http/fields.ts';
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

/** Sets one field, in the place of one that is there. */
function put(fields: Fields, name: string, value: string): void {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] !== name) continue;
    fields[at + 1] = value;
    return;
  }
  fields.push(name, value);
}

/** What the provider gets: its own key, and of the client's fields only those that are listed. */
export function providerHeaders(asked: Readonly<Fields>, { provider, apiKey, exchange }: HeadersFor): Fields {
  const kept: Fields = [];
  for (let at = 0; at < asked.length; at += 2) {
    const name = asked[at] as string;
    if (!TO_PROVIDER.has(name) || (exchange.translated && OF_A_DIALECT.has(name))) continue;
    kept.push(name, asked[at + 1] as string);
  }
  kept.push('content-length', String(exchange.body.length));
  // Compressed answers could not be metered as they pass.
  kept.push('accept-encoding', 'identity');
  for (const name in provider.headers) put(kept, name.toLowerCase(), provider.headers[name] as string);
  if (exchange.wire === 'anthropic' && fieldOf(kept, 'anthropic-version') === undefined)
    kept.push('anthropic-version', '2023-06-01');
  if (apiKey === undefined) return kept;
  if (provider.dialect === 'anthropic') put(kept, 'x-api-key', apiKey);
  else if (provider.dialect === 'google') put(kept, 'x-goog-api-key', apiKey);
  else put(kept, 'authorization', `Bearer ${apiKey}`);
  return kept;
}

/** What the client gets of the provider's fields, and Godel's own, which count where both have a name. */
export function clientHeaders(answered: Readonly<Fields>, own: Readonly<Fields>): Fields {
  const kept: Fields = [];
  for (let at = 0; at < answered.length; at += 2) {
    const name = answered[at] as string;
    const listed = TO_CLIENT.has(name) || TO_CLIENT_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (listed && fieldOf(own, name) === undefined) kept.push(name, answered[at + 1] as string);
  }
  for (const part of own) kept.push(part);
  return kept;
}

/** The token of a client, in whichever field its dialect puts it, or in the query as Google allows. */
export function tokenOf(fields: Readonly<Fields>, url = ''): string | undefined {
  const authorization = fieldOf(fields, 'authorization');
  const bearer = authorization && /^Bearer\s/i.test(authorization) ? authorization.slice('Bearer '.length) : undefined;
  const key =
    bearer ?? fieldOf(fields, 'x-api-key') ?? fieldOf(fields, 'x-goog-api-key') ?? /[?&]key=([^&]+)/.exec(url)?.[1];
  return key?.trim() || undefined;
}

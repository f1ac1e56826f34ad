/**
 * One request put into the dialect of a provider, and how its answer gets back into the client's. Where both are the same,
 * bytes pass as they are.
 */
import type { Provider } from '../../src/costs/schema.ts';
import type { RequestFields } from './fields.ts';
import type { Route } from './routes.ts';
import { splice } from './scan.ts';
import { askForUsage, createUsageFilter } from './usage-chunk.ts';
import type { Wire } from './wire.ts';

/** Changes the bytes of an answer on their way. */
export interface Transform {
  push(chunk: Buffer): Buffer;
  /** What is left when the provider has ended. */
  finish(): Buffer;
}

export interface Exchange {
  /** Dialect of the client. */
  client: Wire;
  /** Dialect spoken with the provider. */
  wire: Wire;
  /** Path at the provider, with the query. */
  path: string;
  body: Buffer;
  translated: boolean;
  /** A change the answer needs; undefined when its bytes pass untouched. */
  transform(answer: { status: number; streaming: boolean }): Transform | undefined;
}

export interface ExchangeInput {
  route: Route;
  fields: RequestFields;
  body: Buffer;
  provider: Provider;
  /** Model id as the provider knows it. */
  model: string;
}

/** The dialects a provider understands, the one it prefers first. */
function wiresOf(provider: Provider): Wire[] {
  if (provider.dialect === 'openai') return provider.api;
  return [provider.dialect];
}

/** True when the provider understands the client without a translation. */
export function speaksNatively(route: Route, provider: Provider): boolean {
  if (provider.id === 'demo') return true;
  if (route.call === 'embed') return provider.dialect === 'openai';
  return wiresOf(provider).includes(route.wire);
}

/** True when the provider can answer this call at all. */
export function canServe(route: Route, provider: Provider): boolean {
  return speaksNatively(route, provider);
}

function googlePath(route: Route, model: string): string {
  const action = /:(\w+)$/.exec(route.path)?.[1] ?? 'generateContent';
  const version = /^\/(v1\w*)\//.exec(route.path)?.[1] ?? 'v1beta';
  return `/${version}/models/${model}:${action}`;
}

/** Same dialect: the provider's own model id, and the request for usage where the dialect needs one. */
function asItIs({ route, fields, body, model }: ExchangeInput): Exchange {
  const path = (route.wire === 'google' ? googlePath(route, model) : route.path) + route.search;
  const asks = route.wire === 'chat' && route.call === 'generate' && fields.stream;
  const asked = asks ? askForUsage(body, fields) : { body, asked: true, at: 0, shift: 0 };
  let sent = asked.body;
  if (fields.modelField && model !== fields.model) {
    const { start, end } = fields.modelField;
    const moved = asked.at <= start ? asked.shift : 0;
    sent = splice(sent, { start: start + moved, end: end + moved }, JSON.stringify(model));
  }
  return {
    client: route.wire,
    wire: route.wire,
    path,
    body: sent,
    translated: false,
    transform: ({ streaming }) => (streaming && !asked.asked ? createUsageFilter() : undefined),
  };
}

export function exchange(input: ExchangeInput): Exchange {
  return asItIs(input);
}

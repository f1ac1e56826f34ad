/**
 * One request put into the dialect of a provider, and how its answer gets back into the client's. Where both are the same,
 * bytes pass as they are.
 */
import { newId } from '../../src/base/id.ts';
import type { Provider } from '../../src/costs/schema.ts';
import { dialects, type ModelTarget } from './dialects.ts';
import { isPacked, writeEmbedRequest } from './embedding.ts';
import { type RequestFields, readFields } from './fields.ts';
import { withoutForeignThoughts } from './foreign.ts';
import { type NeutralRequest, WireError, type WriterContext } from './neutral.ts';
import type { Route } from './routes.ts';
import { splice } from './scan.ts';
import { type SparedRequest, spareTexts } from './spared.ts';
import {
  type Transform,
  translateAnswer,
  translateCount,
  translateEmbedding,
  translateError,
  writeCount,
} from './translation.ts';
import { askForUsage, createUsageFilter } from './usage-chunk.ts';
import { object, type Wire } from './wire.ts';

export interface Exchange {
  /** Dialect of the client. */
  client: Wire;
  /** Dialect spoken with the provider. */
  wire: Wire;
  /** Path at the provider, with the query. */
  path: string;
  body: Buffer;
  translated: boolean;
  /** What the provider's dialect cannot say, for example `tool:web_search`; the answer tells it in a header. */
  dropped: readonly string[];
  /** An answer that needs no provider. */
  reply?: Buffer;
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
  /** The most tokens the model can write, when known. */
  maxOutput?: number | undefined;
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

/** True when the provider can answer this call at all, if need be in translation. */
export function canServe(route: Route, provider: Provider): boolean {
  return route.call !== 'embed' || provider.dialect === 'google' || speaksNatively(route, provider);
}

function googlePath(route: Route, model: string): string {
  const action = /:(\w+)$/.exec(route.path)?.[1] ?? 'generateContent';
  const version = /^\/(v1\w*)\//.exec(route.path)?.[1] ?? 'v1beta';
  return `/${version}/models/${model}:${action}`;
}

/** Same dialect: the provider's own model id, and the request for usage where the dialect needs one. */
function asItIs(input: ExchangeInput): Exchange {
  const { route, model } = input;
  const body = withoutForeignThoughts(route.wire, input.body);
  const fields = body === input.body ? input.fields : readFields(route, body);
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
    dropped: [],
    transform: ({ streaming }) => (streaming && !asked.asked ? createUsageFilter() : undefined),
  };
}

function spared(body: Buffer): SparedRequest {
  try {
    return spareTexts(body);
  } catch (error) {
    throw new WireError(`The request cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** Bytes that make one token, more or less. */
const BYTES_PER_TOKEN = 4;

function contextOf({ route, fields, body, model }: ExchangeInput, wire: Wire, request: NeutralRequest): WriterContext {
  const usage =
    fields.streamOptions &&
    object(JSON.parse(body.toString('utf8', fields.streamOptions.start, fields.streamOptions.end)));
  return {
    from: wire,
    id: newId().replaceAll('-', ''),
    model,
    freeForm: request.freeForm,
    ...(request.places ? { places: request.places } : {}),
    withUsage: usage?.include_usage === true,
    events: route.wire !== 'google' || /[?&]alt=sse(&|$)/.test(route.search),
    inputGuess: Math.ceil(body.length / BYTES_PER_TOKEN),
    created: Math.floor(Date.now() / 1000),
  };
}

const COUNTED: Readonly<Record<'anthropic' | 'responses', readonly string[]>> = {
  anthropic: ['model', 'system', 'messages', 'tools', 'tool_choice', 'thinking'],
  responses: ['model', 'instructions', 'input', 'tools', 'tool_choice', 'reasoning', 'text', 'parallel_tool_calls'],
};

/** A count of tokens at the provider; where there is no such call, a guess by length. */
function countExchange(input: ExchangeInput, wire: Wire, target: ModelTarget): Exchange {
  const { route, model } = input;
  const { body, write } = spared(input.body);
  const asked = route.wire === 'google' && body.generateContentRequest ? object(body.generateContentRequest) : body;
  const request = dialects[route.wire].readRequest(asked, model, false);
  const written = dialects[wire].writeRequest(request, target);
  const base = { client: route.wire, wire, translated: true, dropped: request.dropped };
  const transform: Exchange['transform'] = ({ status }) =>
    status >= 400 ? translateError(route.wire, status) : translateCount(route.wire);
  if (wire === 'chat') {
    const reply = Buffer.from(JSON.stringify(writeCount(route.wire, Math.ceil(input.body.length / BYTES_PER_TOKEN))));
    return { ...base, path: '', body: Buffer.alloc(0), reply, transform };
  }
  if (wire === 'google') {
    const sent = { generateContentRequest: { model: `models/${model}`, ...written } };
    return { ...base, path: `/v1beta/models/${model}:countTokens`, body: write(sent), transform };
  }
  const sent = Object.fromEntries(Object.entries(written).filter(([key]) => COUNTED[wire].includes(key)));
  const path = wire === 'anthropic' ? '/v1/messages/count_tokens' : '/v1/responses/input_tokens';
  return { ...base, path, body: write(sent), transform };
}

/** Embeddings are asked of Google in one call, however many texts there are. */
function embedExchange({ route, body, model }: ExchangeInput): Exchange {
  const { body: asked, write } = spared(body);
  const context = { model, packed: isPacked(asked), inputGuess: Math.ceil(body.length / BYTES_PER_TOKEN) };
  return {
    client: route.wire,
    wire: 'google',
    path: `/v1beta/models/${model}:batchEmbedContents`,
    body: write(writeEmbedRequest(asked, model)),
    translated: true,
    dropped: [],
    transform: ({ status }) => (status >= 400 ? translateError(route.wire, status) : translateEmbedding(context)),
  };
}

/** Another dialect: read, put into the neutral form, written again; the answer the other way round. */
function inTranslation(input: ExchangeInput, wire: Wire): Exchange {
  const { route, fields, provider, model } = input;
  const target: ModelTarget = {
    model,
    official: provider.api.includes('responses'),
    maxOutput: input.maxOutput,
  };
  if (route.call === 'embed') return embedExchange(input);
  if (route.call === 'count') return countExchange(input, wire, target);
  const { body, write } = spared(input.body);
  const request = dialects[route.wire].readRequest(body, model, fields.stream);
  const context = contextOf(input, wire, request);
  return {
    client: route.wire,
    wire,
    path: dialects[wire].path(target, request.stream),
    body: write(dialects[wire].writeRequest(request, target)),
    translated: true,
    dropped: request.dropped,
    transform: ({ status, streaming }) =>
      status >= 400
        ? translateError(route.wire, status)
        : translateAnswer({ from: wire, to: route.wire, context }, streaming, request.stream),
  };
}

/** @throws WireError when the provider's dialect cannot say what the client asks */
export function exchange(input: ExchangeInput): Exchange {
  const { route, provider } = input;
  if (speaksNatively(route, provider)) return asItIs(input);
  return inTranslation(input, wiresOf(provider)[0] ?? 'chat');
}

/** Which call of which dialect a request is, by its method, path and headers. Pure. */
import { type Fields, fieldOf } from '../http/fields.ts';
import type { Wire } from './wire.ts';

export interface Route {
  wire: Wire;
  call: 'generate' | 'count' | 'embed' | 'models';
  /** Path as the client named it, without the prefix /proxy. */
  path: string;
  /** Query for the provider: what the client sent but for a key. */
  search: string;
  /** Where the dialect puts them in the path. */
  model?: string;
  stream?: boolean;
  /** False for calls that cost nothing, such as counting tokens. */
  metered: boolean;
}

const POST: ReadonlyMap<string, Pick<Route, 'wire' | 'call'>> = new Map([
  ['/v1/messages', { wire: 'anthropic', call: 'generate' }],
  ['/v1/messages/count_tokens', { wire: 'anthropic', call: 'count' }],
  ['/v1/chat/completions', { wire: 'chat', call: 'generate' }],
  ['/v1/responses', { wire: 'responses', call: 'generate' }],
  ['/v1/responses/input_tokens', { wire: 'responses', call: 'count' }],
  ['/v1/embeddings', { wire: 'chat', call: 'embed' }],
]);
const GOOGLE = /^\/v1(?:beta|alpha)?\/models\/(.+):(generateContent|streamGenerateContent|countTokens)$/;
const MODELS = /^\/v1(beta|alpha)?\/models(?:\/(.+))?$/;

function split(url: string): { path: string; search: string } {
  const mark = url.indexOf('?');
  const path = (mark < 0 ? url : url.slice(0, mark)).replace(/^\/proxy(?=\/v1)/, '').replace(/\/$/, '');
  if (mark < 0) return { path, search: '' };
  const kept = url
    .slice(mark + 1)
    .split('&')
    .filter((pair) => pair !== '' && !/^key(=|$)/i.test(pair));
  return { path, search: kept.length === 0 ? '' : `?${kept.join('&')}` };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A list of models is asked for in every dialect; only headers and the version tell them apart. */
function modelsRoute(path: string, search: string, fields: Readonly<Fields>): Route | undefined {
  const found = MODELS.exec(path);
  if (!found) return undefined;
  const google = found[1] !== undefined || fieldOf(fields, 'x-goog-api-key') !== undefined;
  const wire = google ? 'google' : fieldOf(fields, 'anthropic-version') !== undefined ? 'anthropic' : 'chat';
  const model = found[2] === undefined ? {} : { model: decoded(found[2]) };
  return { wire, call: 'models', path, search, metered: false, ...model };
}

/** The route of a request; undefined when nothing of the kind is served. */
export function routeOf(method: string, url: string, fields: Readonly<Fields>): Route | undefined {
  const { path, search } = split(url);
  if (method === 'GET') return modelsRoute(path, search, fields);
  if (method !== 'POST') return undefined;
  const known = POST.get(path);
  if (known) return { wire: known.wire, call: known.call, path, search, metered: known.call !== 'count' };
  const [, model, action] = GOOGLE.exec(path) ?? [];
  if (model === undefined) return undefined;
  const counting = action === 'countTokens';
  return {
    wire: 'google',
    call: counting ? 'count' : 'generate',
    path,
    search,
    model: decoded(model),
    stream: action === 'streamGenerateContent',
    metered: !counting,
  };
}

/** The dialect in which to refuse a request that may not be a route at all. */
export function wireOf(url: string, fields: Readonly<Fields>): Wire {
  const { path } = split(url);
  if (path.startsWith('/v1/messages') || fieldOf(fields, 'anthropic-version') !== undefined) return 'anthropic';
  if (path.startsWith('/v1beta') || path.startsWith('/v1alpha') || fieldOf(fields, 'x-goog-api-key') !== undefined)
    return 'google';
  return path.startsWith('/v1/responses') ? 'responses' : 'chat';
}

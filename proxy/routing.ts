/** Which provider serves a request: by the model it names and the dialect it speaks. Pure. */
import type { Provider } from '../src/costs/schema.ts';
import { providersOfModel } from './cost.ts';
import type { Wire } from './usage.ts';

export interface Route {
  /** Path at the provider, with the API version. */
  path: string;
  dialect: Provider['dialect'];
  wire: Wire;
  /** False for calls that cost nothing, such as counting tokens. */
  metered: boolean;
}

const ROUTES: Readonly<Record<string, Omit<Route, 'path'>>> = {
  '/v1/messages': { dialect: 'anthropic', wire: 'anthropic', metered: true },
  '/v1/messages/count_tokens': { dialect: 'anthropic', wire: 'anthropic', metered: false },
  '/v1/chat/completions': { dialect: 'openai', wire: 'chat', metered: true },
  '/v1/responses': { dialect: 'openai', wire: 'responses', metered: true },
  '/v1/embeddings': { dialect: 'openai', wire: 'chat', metered: true },
};

/** The route of a path; query and the prefix /proxy are ignored. */
export function routeOf(url: string): Route | undefined {
  const path = (url.split('?')[0] ?? '').replace(/^\/proxy(?=\/v1\/)/, '').replace(/\/$/, '');
  const known = ROUTES[path];
  return known && { path, ...known };
}

/** The error dialect of a path that may not be a route at all. */
export function wireOf(url: string): Wire {
  return /\/v1\/messages/.test(url) ? 'anthropic' : 'chat';
}

export interface Target {
  provider: Provider;
  /** Model id as the provider knows it. */
  model: string;
}

/** Scripted models answer in both dialects. */
const speaks = (provider: Provider, dialect: Provider['dialect']) =>
  provider.id === 'demo' || provider.dialect === dialect;

/** `provider/model`, else the provider that lists the exact id, else the one whose price table has it. */
export function targetOf(
  providers: readonly Provider[],
  model: string,
  dialect: Provider['dialect'],
): Target | undefined {
  const fitting = providers.filter((provider) => speaks(provider, dialect));
  const slash = model.indexOf('/');
  const named = slash > 0 ? fitting.find((provider) => provider.id === model.slice(0, slash)) : undefined;
  if (named) return { provider: named, model: model.slice(slash + 1) };
  const listing = fitting.find((provider) => provider.models.includes(model));
  if (listing) return { provider: listing, model };
  const priced = providersOfModel(model);
  const provider = fitting.find((each) => priced.includes(each.id) && each.models.length === 0);
  return provider && { provider, model };
}

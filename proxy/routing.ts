/** Which provider serves a request: by the model it names and the dialect it speaks. Pure. */
import type { Provider } from '../src/costs/schema.ts';
import { providersOfModel } from './cost.ts';
import { canServe, speaksNatively } from './wire/exchange.ts';
import type { Route } from './wire/routes.ts';

export interface Target {
  provider: Provider;
  /** Model id as the provider knows it. */
  model: string;
}

/** `provider/model`, else the provider that lists the exact id, else the one whose price table has it. */
export function targetOf(providers: readonly Provider[], model: string, route: Route): Target | undefined {
  const able = providers.filter((provider) => canServe(route, provider));
  const native = (provider: Provider) => (speaksNatively(route, provider) ? 0 : 1);
  const fitting = able.toSorted((a, b) => native(a) - native(b));
  const slash = model.indexOf('/');
  const named = slash > 0 ? fitting.find((provider) => provider.id === model.slice(0, slash)) : undefined;
  if (named) return { provider: named, model: model.slice(slash + 1) };
  const listing = fitting.find((provider) => provider.models.includes(model));
  if (listing) return { provider: listing, model };
  const priced = providersOfModel(model);
  const provider = fitting.find((each) => priced.includes(each.id) && each.models.length === 0);
  return provider && { provider, model };
}

/**
 * Which targets serve a request, in which order: by the model it names (exact, an alias or a tier), what it needs, what it
 * costs, and what the policy says. Pure.
 */
import { createHash } from 'node:crypto';
import type { ModelAlias, Policy, Provider } from '../src/costs/schema.ts';
import { costOf, noUse, type Price, type PriceTable } from './cost.ts';
import { canServe, speaksNatively } from './wire/exchange.ts';
import type { Route } from './wire/routes.ts';

export interface Candidate {
  provider: Provider;
  /** Model id as the provider knows it. */
  model: string;
  price: Price | undefined;
}

/** A policy with its prices ready to use. */
export interface Rules {
  policy: Policy;
  prices: PriceTable;
}

export interface Wish {
  model: string;
  route: Route;
  needs: { tools: boolean; readonly images: boolean };
  inputTokens: number;
  /** Who asks: the same one gets the same choice, so that prompt caches stay warm. */
  who: string;
  fallback: boolean;
}

/** Output that is assumed when targets are compared by price. */
const TYPICAL_OUTPUT = 1_000;
/** Aliases may stand for aliases, this deep. */
const MAX_DEPTH = 5;

export const nameOf = ({ provider, model }: Pick<Candidate, 'provider' | 'model'>) => `${provider.id}/${model}`;

/** A number in (0, 1) that depends on the text alone. */
function share(text: string): number {
  return (createHash('sha1').update(text).digest().readUInt32BE(0) + 1) / 4_294_967_297;
}

/** Sorted by weight, the same way every time for the same one who asks (rendezvous hashing). */
export function weighted<T>(
  items: readonly T[],
  id: (item: T) => string,
  weights: readonly number[],
  who: string,
): T[] {
  const scores = items.map((item, index) => ({
    item,
    score: -Math.log(share(`${who} ${id(item)}`)) / (weights[index] ?? 1),
  }));
  return scores.sort((a, b) => a.score - b.score).map(({ item }) => item);
}

/** Every provider that serves exactly this model; who speaks the client's dialect comes first. */
function targetsNamed(rules: Rules, name: string, route: Route): Candidate[] {
  const able = rules.policy.providers.filter((provider) => canServe(route, provider));
  const native = (provider: Provider) => (speaksNatively(route, provider) ? 0 : 1);
  const fitting = able.toSorted((a, b) => native(a) - native(b));
  const made = (provider: Provider, model: string) => ({ provider, model, price: rules.prices.of(provider.id, model) });
  const slash = name.indexOf('/');
  const named = slash > 0 ? fitting.find((provider) => provider.id === name.slice(0, slash)) : undefined;
  if (named) return [made(named, name.slice(slash + 1))];
  const priced = rules.prices.providersOf(name);
  const serving = fitting.filter((provider) =>
    provider.models.length === 0 ? priced.includes(provider.id) : provider.models.includes(name),
  );
  return serving.map((provider) => made(provider, name));
}

function typicalCost({ price }: Candidate, inputTokens: number): number {
  return costOf(price, { ...noUse(), input: inputTokens, output: TYPICAL_OUTPUT }) ?? Number.POSITIVE_INFINITY;
}

function ordered(alias: ModelAlias, groups: readonly Candidate[][], wish: Wish): Candidate[] {
  if (alias.choose === 'weighted') {
    const indexed = groups.map((group, index) => ({ group, index }));
    const id = ({ index }: { index: number }) => alias.use[index] ?? '';
    return weighted(indexed, id, alias.weights, wish.who).flatMap(({ group }) => group);
  }
  const all = groups.flat();
  if (alias.choose !== 'cheapest') return all;
  return all.toSorted((a, b) => typicalCost(a, wish.inputTokens) - typicalCost(b, wish.inputTokens));
}

function expand(rules: Rules, name: string, wish: Wish, depth: number): Candidate[] {
  const { aliases } = rules.policy;
  const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  if (!alias || depth > MAX_DEPTH) return targetsNamed(rules, name, wish.route);
  const groups = alias.use.map((each) =>
    each === name ? targetsNamed(rules, each, wish.route) : expand(rules, each, wish, depth + 1),
  );
  return ordered(alias, groups, wish);
}

/** Models that stand in for a name, or for a target it led to. */
function standIns(rules: Rules, name: string, found: readonly Candidate[]): string[] {
  const { fallbacks } = rules.policy;
  const names = new Set([name, ...found.flatMap((each) => [nameOf(each), each.model])]);
  return [...names].flatMap((each) => (Object.hasOwn(fallbacks, each) ? (fallbacks[each] ?? []) : []));
}

function isFit({ price }: Candidate, wish: Wish): boolean {
  if (!price) return true;
  return wish.inputTokens <= price.contextWindow && (price.images === true || !wish.needs.images);
}

/** Everything a name may lead to, the best first. */
function allTargets(rules: Rules, wish: Wish): Candidate[] {
  const found = expand(rules, wish.model, wish, 0);
  const more = wish.fallback ? standIns(rules, wish.model, found).flatMap((name) => expand(rules, name, wish, 0)) : [];
  const unique = new Map([...found, ...more].reverse().map((each) => [nameOf(each), each]));
  return [...unique.values()].reverse();
}

interface KnownTargets {
  wire: Route['wire'];
  call: Route['call'];
  fallback: boolean;
  targets: Candidate[];
}

/** What depends on the rules alone; they never change, new ones take their place. */
interface Steady {
  /** Who asks, and how much, counts: an alias chooses by it. */
  chooses: boolean;
  /** Otherwise the lists, by the name of the model. */
  lists: Map<string, KnownTargets[]>;
}

const steady = new WeakMap<Rules, Steady>();
/** Clients name models as they like. */
const MOST_NAMES = 1_000;

function steadyOf(rules: Rules): Steady {
  const known = steady.get(rules);
  if (known) return known;
  const aliases = Object.values(rules.policy.aliases);
  const chooses = aliases.some(({ choose }) => choose === 'weighted' || choose === 'cheapest');
  const made: Steady = { chooses, lists: new Map() };
  steady.set(rules, made);
  return made;
}

function knownTargets(rules: Rules, wish: Wish): Candidate[] {
  const { chooses, lists } = steadyOf(rules);
  if (chooses) return allTargets(rules, wish);
  const { wire, call } = wish.route;
  const { model, fallback } = wish;
  const named = lists.get(model) ?? [];
  for (const each of named)
    if (each.wire === wire && each.call === call && each.fallback === fallback) return each.targets;
  const targets = allTargets(rules, wish);
  if (lists.size >= MOST_NAMES) lists.clear();
  lists.set(model, [...named, { wire, call, fallback, targets }]);
  return targets;
}

/** The targets of a request in order of preference. One that cannot do what is needed is left out, unless all are. */
export function candidatesFor(rules: Rules, wish: Wish): Candidate[] {
  const all = knownTargets(rules, wish);
  // Without a choice nothing has to be asked of the body.
  if (all.length < 2) return all;
  const fit = all.filter((candidate) => isFit(candidate, wish));
  const usable = fit.length > 0 ? fit : all;
  return wish.fallback ? usable : usable.slice(0, 1);
}

/** True when a key that may ask for `allowed` only may ask for this: by the name it used, or by what that stands for. */
export function isModelAllowed(allowed: readonly string[] | undefined, asked: string, target: Candidate): boolean {
  if (!allowed) return true;
  const names = [asked, target.model, nameOf(target)];
  return allowed.some((pattern) =>
    pattern.endsWith('*') ? names.some((name) => name.startsWith(pattern.slice(0, -1))) : names.includes(pattern),
  );
}

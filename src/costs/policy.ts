/** The proxy's policy from configuration: providers, names of models, fallbacks, limits, prices. Pure. */
import type { Config } from '../config.ts';
import { type ProviderSource, providersOf } from './providers.ts';
import type { Limits, ModelAlias, Policy, Provider } from './schema.ts';

/** A loop of an agent is ended, and a slip of one request bounded, when nothing else is configured. */
const AGENT_LIMITS = {
  requests_per_minute: 100,
  requests_per_hour: 1_000,
  requests_per_day: 5_000,
  calls_per_run: 5_000,
  max_cost_usd: 10,
} as const;

/** What `fast` and `smart` mean at each provider, in the order providers are asked. */
const TIERS: Readonly<Record<string, readonly string[]>> = {
  fast: ['anthropic/claude-haiku-4-5', 'openai/gpt-5.4-mini', 'google/gemini-2.5-flash', 'demo/demo-small'],
  smart: ['anthropic/claude-sonnet-5', 'openai/gpt-5.4', 'google/gemini-2.5-pro', 'demo/demo-large'],
};

function tiers(providers: readonly Provider[]): Record<string, ModelAlias> {
  const known = new Set(providers.map((provider) => provider.id));
  const has = (name: string) => known.has(name.slice(0, name.indexOf('/')));
  return Object.fromEntries(
    Object.entries(TIERS).map(([name, use]) => {
      const usable = use.filter(has);
      // The scripted provider stands in for nobody: it is the tier only when there is no other.
      const real = usable.filter((each) => !each.startsWith('demo/'));
      return [name, { use: real.length > 0 ? real : usable, choose: 'order' as const, weights: [] }];
    }),
  );
}

function limitsOf(config: Pick<Config, 'limits'>): Limits {
  return {
    agent: { ...AGENT_LIMITS, ...config.limits.agent },
    user: config.limits.user ?? {},
    project: config.limits.project ?? {},
  };
}

export function policyOf(config: Config, source: ProviderSource): Policy {
  const providers = providersOf(config, source);
  const own = Object.entries(config.model_aliases).map(([name, alias]): [string, ModelAlias] => [
    name,
    Array.isArray(alias) ? { use: alias, choose: 'order', weights: [] } : alias,
  ]);
  return {
    providers,
    aliases: { ...tiers(providers), ...Object.fromEntries(own) },
    fallbacks: config.model_fallbacks,
    limits: limitsOf(config),
    prices: config.prices,
    unpriced: config.unpriced_models,
    attempts: config.request_attempts,
    waitMs: Math.round(config.request_wait_seconds * 1_000),
    retentionDays: config.ledger_days,
  };
}

/**
 * The model that a tier or an alias means for a new agent: a target of the provider that is wanted or configured first. A
 * built-in tier never leads away from it: the provider's own default model is taken then (undefined). Other names pass.
 */
export function modelOfTier(
  config: Config,
  source: ProviderSource,
  { provider: wanted, model }: { provider?: string | undefined; model?: string | undefined },
): string | undefined {
  const own = model === undefined ? undefined : config.model_aliases[model];
  const tier = model === undefined ? undefined : TIERS[model];
  if (model === undefined || (!own && !tier)) return model;
  const provider = wanted ?? config.provider;
  const policy = policyOf(config, source);
  const targets = [...(own ? [] : (tier ?? [])), ...(policy.aliases[model]?.use ?? [])];
  const [first] = targets.filter((target) => provider === undefined || target.startsWith(`${provider}/`));
  if (provider !== undefined) return first ?? (own ? targets[0] : undefined);
  return policy.aliases[model]?.use[0];
}

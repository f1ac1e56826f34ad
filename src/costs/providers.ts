/** Which providers exist, from configuration and the daemon's environment, and which model an agent gets. */
import { readFileSync } from 'node:fs';
import type { ModelChoice } from '../agents/runtime.ts';
import { messageOf } from '../base/error.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Provider, ProviderKey } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface BuiltIn {
  id: string;
  dialect: Provider['dialect'];
  api: Provider['api'];
  keyVariable: string;
  urlVariable: string;
  baseUrl: string;
  defaultModel: string;
}

/** Where addresses and keys come from: the daemon's environment and its secrets. */
export interface ProviderSource {
  env: Environment;
  /** Keys of a provider, the one to use first in front: its secrets, then the variable. */
  keys(providerId: string, variable: string | undefined): ProviderKey[];
}

const BUILT_IN: readonly BuiltIn[] = [
  {
    id: 'anthropic',
    dialect: 'anthropic',
    api: ['chat'],
    keyVariable: 'ANTHROPIC_API_KEY',
    urlVariable: 'ANTHROPIC_BASE_URL',
    baseUrl: 'https://api.anthropic.com',
    defaultModel: 'claude-sonnet-5',
  },
  {
    id: 'openai',
    dialect: 'openai',
    api: ['responses', 'chat'],
    keyVariable: 'OPENAI_API_KEY',
    urlVariable: 'OPENAI_BASE_URL',
    baseUrl: 'https://api.openai.com',
    defaultModel: 'gpt-5.4',
  },
  {
    id: 'google',
    dialect: 'google',
    api: ['chat'],
    keyVariable: 'GEMINI_API_KEY',
    urlVariable: 'GOOGLE_GEMINI_BASE_URL',
    baseUrl: 'https://generativelanguage.googleapis.com',
    defaultModel: 'gemini-2.5-pro',
  },
];

/** The scripted provider that is built into the proxy; its address is known to the proxy alone. */
export const DEMO_PROVIDER: Provider = {
  id: 'demo',
  dialect: 'anthropic',
  baseUrl: 'http://demo.invalid',
  api: ['chat'],
  keys: [],
  headers: {},
  models: ['demo-small', 'demo-large'],
};

const withoutVersion = (url: string) => url.replace(/\/(v1\/?)?$/, '');

/** @throws GodelError config-invalid when the file cannot be read */
function certificatesOf(id: string, file: string | undefined): { ca?: string } {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    throw failure('config-invalid', { file, problem: `ca_file of provider ${id}: ${messageOf(error)}` }, error);
  }
}

/** Providers that have a key, the configured ones, and `demo`. */
export function providersOf(config: Pick<Config, 'providers'>, source: ProviderSource): Provider[] {
  const builtIn = BUILT_IN.filter((each) => !config.providers[each.id]).map(
    (each): Provider => ({
      id: each.id,
      dialect: each.dialect,
      api: each.api,
      baseUrl: withoutVersion(source.env[each.urlVariable] || each.baseUrl),
      keys: source.keys(each.id, each.keyVariable),
      headers: {},
      models: [],
    }),
  );
  const configured = Object.entries(config.providers).map(
    ([id, each]): Provider => ({
      id,
      dialect: each.dialect,
      api: each.api,
      baseUrl: withoutVersion(each.base_url),
      keys: source.keys(id, each.api_key_env ?? BUILT_IN.find((known) => known.id === id)?.keyVariable),
      headers: each.headers,
      ...certificatesOf(id, each.ca_file),
      models: each.models,
    }),
  );
  return [...builtIn.filter((each) => each.keys.length > 0), ...configured, DEMO_PROVIDER];
}

/** Variables that hold keys of providers. */
export function keyVariables(config: Pick<Config, 'providers'>): string[] {
  const configured = Object.values(config.providers).map((each) => each.api_key_env);
  const all = [...BUILT_IN.map((each) => each.keyVariable), ...configured];
  return [...new Set(all.filter((name) => name !== undefined))];
}

function defaultModelOf(provider: Provider): string | undefined {
  return provider.models[0] ?? BUILT_IN.find((each) => each.id === provider.id)?.defaultModel;
}

/** What an agent speaks with the proxy; Google's models are translated for it. */
const DIALECT = { anthropic: 'anthropic', openai: 'openai-chat', google: 'anthropic' } as const;

/** Splits `provider/model` when the first part is a known provider. */
function splitModel(wanted: string, known: readonly Provider[]): { provider?: string; model: string } {
  const slash = wanted.indexOf('/');
  if (slash < 0) return { model: wanted };
  const provider = wanted.slice(0, slash);
  return known.some((each) => each.id === provider) ? { provider, model: wanted.slice(slash + 1) } : { model: wanted };
}

/**
 * The model of a new agent: what is asked for, else what is configured, else the first provider
 * with a key. `demo` is never chosen by itself.
 * @throws GodelError provider-missing, provider-unknown, bad-input
 */
export function chooseModel(
  providers: readonly Provider[],
  config: Pick<Config, 'provider' | 'model'>,
  wanted: { provider?: string | undefined; model?: string | undefined },
): ModelChoice {
  const model = wanted.model ?? (wanted.provider === undefined ? config.model : undefined);
  const split = model === undefined ? undefined : splitModel(model, providers);
  const name = wanted.provider ?? split?.provider ?? providerOfModel(providers, split?.model) ?? config.provider;
  const provider =
    name === undefined ? providers.find((each) => each.id !== 'demo') : providers.find((each) => each.id === name);
  if (!provider) {
    const known = providers.map((each) => each.id);
    throw name === undefined ? failure('provider-missing') : failure('provider-unknown', { provider: name, known });
  }
  const chosen =
    split?.model ?? (provider.id === config.provider ? config.model : undefined) ?? defaultModelOf(provider);
  if (chosen === undefined) {
    throw failure('bad-input', {
      problem: `Provider ${provider.id} has no default model.`,
      hint: 'Name one: --model <id>',
    });
  }
  return { provider: provider.id, model: chosen, dialect: DIALECT[provider.dialect] };
}

function providerOfModel(providers: readonly Provider[], model: string | undefined): string | undefined {
  return model === undefined ? undefined : providers.find((each) => each.models.includes(model))?.id;
}

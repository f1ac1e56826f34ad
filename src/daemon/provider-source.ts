/** Where the addresses and keys of providers come from: secrets first, then the environment the daemon was started with. */
import type { ProviderSource } from '../costs/providers.ts';
import type { ProviderKey } from '../costs/schema.ts';
import { fingerprintOf } from '../secrets/vault.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProviderSourceOptions {
  env: Environment;
  /** Keys that were in the environment, by variable. */
  keys: Environment;
  /** Keys of a provider that are kept as secrets, the one to use first in front. */
  secrets: (providerId: string) => readonly string[];
}

export function createProviderSource({ env, keys, secrets }: ProviderSourceOptions): ProviderSource {
  return {
    env,
    keys(providerId, variable) {
      const fromEnv = variable === undefined ? undefined : keys[variable];
      const values = [...secrets(providerId), ...(fromEnv ? [fromEnv] : [])];
      return [...new Set(values)].map((value): ProviderKey => ({ id: fingerprintOf(value), value }));
    },
  };
}

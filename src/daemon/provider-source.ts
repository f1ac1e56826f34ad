/** Where the addresses and keys of providers come from: the environment the daemon was started with. */
import { createHash } from 'node:crypto';
import type { ProviderSource } from '../costs/providers.ts';
import type { ProviderKey } from '../costs/schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What logs and reports show of a key. */
export const fingerprint = (value: string) => createHash('sha256').update(value).digest('hex').slice(0, 8);

export interface ProviderSourceOptions {
  env: Environment;
  /** Keys of a provider that were set as secrets, newest meaning first. */
  secrets: (providerId: string) => readonly string[];
}

export function createProviderSource({ env, secrets }: ProviderSourceOptions): ProviderSource {
  return {
    env,
    keys(providerId, variable) {
      const fromEnv = variable === undefined ? undefined : env[variable];
      const values = [...secrets(providerId), ...(fromEnv ? [fromEnv] : [])];
      return [...new Set(values)].map((value): ProviderKey => ({ id: fingerprint(value), value }));
    },
  };
}

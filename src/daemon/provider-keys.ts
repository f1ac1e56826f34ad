/**
 * Takes the keys of providers out of the daemon's environment at its start. The command that starts the daemon hands them
 * over by standard input, so that they are in no list of processes; what was in the environment all the same is taken out
 * before a child could inherit it.
 */
import type { Config } from '../config.ts';
import { keyVariables } from '../costs/providers.ts';

type Environment = Record<string, string | undefined>;

/** Set by the command that starts the daemon (src/cli/daemon-control.ts). */
const HANDED_OVER = 'GODEL_KEYS_ON_STDIN';

async function fromInput(): Promise<Environment> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const said: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
  const pairs = Object.entries(said as object).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(pairs) as Environment;
}

/** The keys by variable; `env` no longer has them. */
export async function takeProviderKeys(config: Pick<Config, 'providers'>, env: Environment): Promise<Environment> {
  const keys: Environment = env[HANDED_OVER] === undefined ? {} : await fromInput();
  delete env[HANDED_OVER];
  for (const name of keyVariables(config)) {
    keys[name] ??= env[name];
    delete env[name];
  }
  return keys;
}

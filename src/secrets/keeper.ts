/** The secrets in use: read once, held in memory, changed one at a time. */
import type { Clock } from '../base/clock.ts';
import { failure } from '../errors.ts';
import type { KeyStore, MasterKey } from './master-key.ts';
import type { SecretInfo } from './schema.ts';
import { fingerprintOf, readSecrets, type SecretsFile, seal, unseal, writeWhole } from './vault.ts';

export interface Keeper {
  /** Reads and decrypts the file. @throws GodelError secrets-unreadable */
  open(): Promise<void>;
  /** Values of a provider: its plain name first, then its labels in order. */
  valuesOf(provider: string): string[];
  list(): SecretInfo[];
  store(): KeyStore | 'none';
  /** @throws GodelError secret-unknown when it must exist and does not */
  put(name: string, value: string, mustExist: boolean): Promise<SecretInfo>;
  remove(name: string): Promise<void>;
  rekey(): Promise<number>;
}

const DAY_MS = 86_400_000;
const ROTATE_AFTER_DAYS = 90;

const providerOf = (name: string) => name.split('/')[0] ?? name;

export function createKeeper(options: { file: string; masterKey: MasterKey; clock: Clock }): Keeper {
  const { file, masterKey, clock } = options;
  let known: SecretsFile | undefined;
  let key: Buffer | undefined;
  let problem: unknown;
  const values = new Map<string, string>();
  let chain: Promise<unknown> = Promise.resolve();

  function info(name: string): SecretInfo {
    const sealed = known?.secrets[name];
    if (!sealed) throw failure('secret-unknown', { name });
    const { fingerprint, createdAt, rotatedAt } = sealed;
    const ageDays = Math.floor((clock.now() - Date.parse(rotatedAt ?? createdAt)) / DAY_MS);
    return {
      name,
      provider: providerOf(name),
      fingerprint,
      createdAt,
      ...(rotatedAt === undefined ? {} : { rotatedAt }),
      ageDays,
      due: ageDays >= ROTATE_AFTER_DAYS,
    };
  }

  async function load(): Promise<void> {
    known = await readSecrets(file);
    if (!known) return;
    key = await masterKey.read(known.store, known.keyId);
    for (const [name, sealed] of Object.entries(known.secrets)) values.set(name, unseal(key, name, sealed));
  }

  /** Changes happen one after the other, on a file that could be read: one that could not is never overwritten. */
  function change<T>(work: () => Promise<T>): Promise<T> {
    const next = chain.then(() => {
      if (problem) throw problem;
      return work();
    });
    chain = next.catch(() => undefined);
    return next;
  }

  async function save(next: SecretsFile): Promise<void> {
    await writeWhole(file, `${JSON.stringify(next, null, 2)}\n`);
    known = next;
  }

  async function current(): Promise<{ file: SecretsFile; key: Buffer }> {
    if (known && key) return { file: known, key };
    const made = await masterKey.create();
    key = made.key;
    return { file: { version: 1, store: made.store, keyId: made.id, secrets: {} }, key };
  }

  return {
    async open() {
      await load().catch((error: unknown) => {
        problem = error;
        throw error;
      });
    },
    valuesOf: (provider) =>
      [...values.keys()]
        .filter((name) => providerOf(name) === provider)
        .sort()
        .map((name) => values.get(name) as string),
    list: () =>
      Object.keys(known?.secrets ?? {})
        .sort()
        .map(info),
    store: () => known?.store ?? 'none',
    put: (name, value, mustExist) =>
      change(async () => {
        const now = new Date(clock.now()).toISOString();
        const { file: old, key: secret } = await current();
        const before = old.secrets[name];
        if (mustExist && !before) throw failure('secret-unknown', { name });
        const sealed = {
          ...seal(secret, name, value),
          fingerprint: fingerprintOf(value),
          createdAt: before?.createdAt ?? now,
        };
        await save({ ...old, secrets: { ...old.secrets, [name]: before ? { ...sealed, rotatedAt: now } : sealed } });
        values.set(name, value);
        return info(name);
      }),
    remove: (name) =>
      change(async () => {
        if (!known?.secrets[name]) throw failure('secret-unknown', { name });
        const { [name]: _gone, ...rest } = known.secrets;
        await save({ ...known, secrets: rest });
        values.delete(name);
      }),
    rekey: () =>
      change(async () => {
        if (!known) return 0;
        const old = known;
        const made = await masterKey.create();
        const secrets = Object.fromEntries(
          Object.entries(old.secrets).map(([name, sealed]) => [
            name,
            { ...sealed, ...seal(made.key, name, values.get(name) as string) },
          ]),
        );
        await save({ version: 1, store: made.store, keyId: made.id, secrets });
        key = made.key;
        await masterKey.forget(old.store, old.keyId);
        return Object.keys(secrets).length;
      }),
  };
}

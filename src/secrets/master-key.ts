/**
 * The key that encrypts the secrets: in the keyring of the system when there is one (secret-tool on Linux, security on
 * macOS), else in a file of mode 0600. It never appears on a command line.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { run } from '../base/process.ts';
import { failure } from '../errors.ts';
import { writeWhole } from './vault.ts';

export interface MasterKeyOptions {
  /** Identity of the home: each has a key of its own. */
  home: string;
  /** Where a key is kept without a keyring; its id is added, so that a new one never overwrites the one in use. */
  file: string;
  env: Readonly<Record<string, string | undefined>>;
  platform?: NodeJS.Platform;
}

export type KeyStore = 'keyring' | 'file';

export interface MasterKey {
  /** The key of that id in `store`. @throws GodelError secrets-unreadable */
  read(store: KeyStore, id: string): Promise<Buffer>;
  /** Makes a new key and keeps it beside older ones: in the keyring when it takes it, else in a file. */
  create(): Promise<{ key: Buffer; id: string; store: KeyStore }>;
  /** Drops a key that nothing is encrypted with any more. */
  forget(store: KeyStore, id: string): Promise<void>;
}

const TIMEOUT_MS = 5_000;

interface Keyring {
  get(id: string): Promise<string | undefined>;
  /** False when it was not taken. */
  put(id: string, text: string): Promise<boolean>;
  remove(id: string): Promise<void>;
}

function linuxKeyring({ home, env }: MasterKeyOptions): Keyring | undefined {
  // Without a session there is no keyring to ask, and the tool would wait for one.
  if (!env.DBUS_SESSION_BUS_ADDRESS) return undefined;
  const attributes = (id: string) => ['application', 'godel', 'home', home, 'id', id];
  const call = (args: string[], input?: string) =>
    run('secret-tool', args, { env, timeoutMs: TIMEOUT_MS, ...(input === undefined ? {} : { input }) }).catch(
      () => undefined,
    );
  return {
    async get(id) {
      const result = await call(['lookup', ...attributes(id)]);
      return result?.code === 0 ? result.stdout.trim() : undefined;
    },
    async put(id, text) {
      const result = await call(['store', '--label', `Godel secrets (${home})`, ...attributes(id)], text);
      return result?.code === 0;
    },
    remove: async (id) => void (await call(['clear', ...attributes(id)])),
  };
}

function macKeyring({ home, env }: MasterKeyOptions): Keyring {
  const account = (id: string) => `${home}-${id}`;
  return {
    async get(id) {
      const args = ['find-generic-password', '-s', 'godel', '-a', account(id), '-w'];
      const result = await run('security', args, { env, timeoutMs: TIMEOUT_MS }).catch(() => undefined);
      return result?.code === 0 ? result.stdout.trim() : undefined;
    },
    async put(id, text) {
      // Commands are read from standard input, so that the key is in no list of processes.
      const input = `add-generic-password -U -s godel -a ${account(id)} -w ${text}\n`;
      const result = await run('security', ['-i'], { env, input, timeoutMs: TIMEOUT_MS }).catch(() => undefined);
      return result?.code === 0;
    },
    async remove(id) {
      const args = ['delete-generic-password', '-s', 'godel', '-a', account(id)];
      await run('security', args, { env, timeoutMs: TIMEOUT_MS }).catch(() => undefined);
    },
  };
}

function keyringOf(options: MasterKeyOptions): Keyring | undefined {
  const platform = options.platform ?? process.platform;
  if (platform === 'darwin') return macKeyring(options);
  return platform === 'linux' ? linuxKeyring(options) : undefined;
}

const fromHex = (text: string | undefined): Buffer | undefined =>
  text !== undefined && /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : undefined;

export function createMasterKey(options: MasterKeyOptions): MasterKey {
  const keyring = keyringOf(options);
  const fileOf = (id: string) => `${options.file}.${id}`;
  return {
    async read(store, id) {
      const text =
        store === 'keyring'
          ? await keyring?.get(id)
          : (await readFile(fileOf(id), 'utf8').catch(() => undefined))?.trim();
      const key = fromHex(text);
      if (key) return key;
      const problem =
        store === 'keyring' ? 'the keyring of the system does not give its key' : `${fileOf(id)} is missing`;
      throw failure('secrets-unreadable', { problem });
    },
    async create() {
      const key = randomBytes(32);
      const [id, text] = [randomBytes(4).toString('hex'), key.toString('hex')];
      // What the keyring took must come back from it, or the secrets would be lost with the next start.
      if (keyring && (await keyring.put(id, text)) && (await keyring.get(id)) === text)
        return { key, id, store: 'keyring' };
      await writeWhole(fileOf(id), `${text}\n`);
      return { key, id, store: 'file' };
    },
    async forget(store, id) {
      if (store === 'keyring') await keyring?.remove(id);
      else await rm(fileOf(id), { force: true });
    },
  };
}

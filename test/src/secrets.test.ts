/** Secrets are encrypted on the disk, bound to their names, kept through every change, and never overwritten unread. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeeper } from '../../src/secrets/keeper.ts';
import { createMasterKey } from '../../src/secrets/master-key.ts';
import { secretNameSchema } from '../../src/secrets/schema.ts';
import { seal, unseal } from '../../src/secrets/vault.ts';

const VALUE = 'sk-ant-canary-0123456789';
let folder: string;
let nowMs: number;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel-secrets-'));
  nowMs = Date.parse('2026-11-27T00:00:00Z');
  env = { PATH: process.env.PATH ?? '' };
});
afterEach(() => rm(folder, { recursive: true }));

const file = () => join(folder, 'secrets.json');
const keeper = () =>
  createKeeper({
    file: file(),
    masterKey: createMasterKey({ home: 'test', file: join(folder, 'secrets.key'), env, platform: 'linux' }),
    clock: { now: () => nowMs },
  });

/** A keyring of the system: the same words as secret-tool, a folder as its store. */
async function fakeKeyring(): Promise<string> {
  const store = join(folder, 'keyring');
  await mkdir(store);
  const tool = join(folder, 'secret-tool');
  const script = `#!/bin/sh
action=$1; shift; [ "$action" = store ] && shift 2
f="${store}/$(echo "$*" | tr ' /' '__')"
case $action in store) cat > "$f";; lookup) cat "$f" 2>/dev/null;; clear) rm -f "$f";; esac
`;
  await writeFile(tool, script);
  await chmod(tool, 0o755);
  env = { PATH: `${folder}:${process.env.PATH}`, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/dev/null' };
  return store;
}

describe('encryption', () => {
  test('a value comes back, and another key, another name or a changed byte gives nothing', () => {
    const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const sealed = seal(key, 'anthropic', VALUE);
    expect(unseal(key, 'anthropic', sealed)).toBe(VALUE);
    expect(seal(key, 'anthropic', VALUE).data).not.toBe(sealed.data);
    const bytes = Buffer.from(sealed.data, 'base64');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    for (const [wrongKey, name, data] of [
      [other, 'anthropic', sealed.data],
      [key, 'openai', sealed.data],
      [key, 'anthropic', bytes.toString('base64')],
    ] as const)
      expect(() => unseal(wrongKey, name, { ...sealed, data })).toThrow(/cannot be read/);
  });
  test('names are providers with an optional label', () => {
    for (const name of ['anthropic', 'open-ai/backup', 'x/1_a'])
      expect(secretNameSchema.safeParse(name).success).toBe(true);
    for (const name of ['A', 'a/b/c', '../x', 'a b', '']) expect(secretNameSchema.safeParse(name).success).toBe(false);
  });
});

describe('keeping', () => {
  test('what was set is there after a restart, in files that only their owner can read, never in the clear', async () => {
    const first = keeper();
    await first.open();
    await first.put('anthropic', VALUE, false);
    await Promise.all([first.put('anthropic/b', `${VALUE}-b`, false), first.put('anthropic/a', `${VALUE}-a`, false)]);
    const second = keeper();
    await second.open();
    expect(second.valuesOf('anthropic')).toEqual([VALUE, `${VALUE}-a`, `${VALUE}-b`]);
    expect(second.valuesOf('anth')).toEqual([]);
    expect(second.store()).toBe('file');
    for (const name of await readdir(folder)) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
      expect(await readFile(join(folder, name), 'utf8')).not.toContain('canary');
    }
  });

  test('rotating keeps the age honest; what is not there cannot be rotated or deleted', async () => {
    const known = keeper();
    await known.open();
    await known.put('openai', VALUE, false);
    nowMs += 91 * 86_400_000;
    expect(known.list()).toMatchObject([{ name: 'openai', ageDays: 91, due: true }]);
    expect(await known.put('openai', `${VALUE}-2`, true)).toMatchObject({ ageDays: 0, due: false });
    expect(known.valuesOf('openai')).toEqual([`${VALUE}-2`]);
    await expect(known.put('google', VALUE, true)).rejects.toMatchObject({ reason: 'secret-unknown' });
    await known.remove('openai');
    await expect(known.remove('openai')).rejects.toMatchObject({ reason: 'secret-unknown' });
    expect(known.valuesOf('openai')).toEqual([]);
  });

  test('a new key encrypts everything again and the old one is gone', async () => {
    const known = keeper();
    await known.open();
    await known.put('openai', VALUE, false);
    const before = (await readdir(folder)).filter((name) => name.startsWith('secrets.key'));
    expect(await known.rekey()).toBe(1);
    const after = (await readdir(folder)).filter((name) => name.startsWith('secrets.key'));
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    const again = keeper();
    await again.open();
    expect(again.valuesOf('openai')).toEqual([VALUE]);
  });

  test('a file that cannot be read is left as it is', async () => {
    const known = keeper();
    await known.open();
    await known.put('openai', VALUE, false);
    const text = await readFile(file(), 'utf8');
    const keyFile = (await readdir(folder)).find((name) => name.startsWith('secrets.key')) ?? '';
    const key = await readFile(join(folder, keyFile), 'utf8');
    await rm(join(folder, keyFile));
    const locked = keeper();
    await expect(locked.open()).rejects.toMatchObject({ reason: 'secrets-unreadable' });
    await expect(locked.put('google', VALUE, false)).rejects.toMatchObject({ reason: 'secrets-unreadable' });
    expect(await readFile(file(), 'utf8')).toBe(text);
    await writeFile(join(folder, keyFile), key);
    const open = keeper();
    await open.open();
    expect(open.valuesOf('openai')).toEqual([VALUE]);
  });
});

describe('keyring', () => {
  test('the key lives in the keyring of the system when there is one, and moves on with a new key', async () => {
    const store = await fakeKeyring();
    const known = keeper();
    await known.open();
    await known.put('openai', VALUE, false);
    expect(known.store()).toBe('keyring');
    expect((await readdir(folder)).some((name) => name.startsWith('secrets.key'))).toBe(false);
    const before = await readdir(store);
    await known.rekey();
    expect(await readdir(store)).toHaveLength(1);
    expect(await readdir(store)).not.toEqual(before);
    const again = keeper();
    await again.open();
    expect(again.valuesOf('openai')).toEqual([VALUE]);
  });
  test('a keyring that is locked later is an error that says so', async () => {
    const store = await fakeKeyring();
    const known = keeper();
    await known.open();
    await known.put('openai', VALUE, false);
    await rm(store, { recursive: true });
    await expect(keeper().open()).rejects.toThrow(/keyring/);
  });
  test('without a session the keyring is not asked', async () => {
    await fakeKeyring();
    env = { PATH: env.PATH ?? '' };
    const known = keeper();
    await known.open();
    await known.put('openai', VALUE, false);
    expect(known.store()).toBe('file');
  });
});

/**
 * The file of secrets: each value encrypted with AES-256-GCM and bound to its name, in a file of mode 0600 that is replaced
 * whole. The key to it is kept apart (master-key.ts).
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { z } from 'zod';
import { failure } from '../errors.ts';

const sealedSchema = z.object({
  nonce: z.string(),
  tag: z.string(),
  data: z.string(),
  fingerprint: z.string(),
  createdAt: z.string(),
  rotatedAt: z.string().optional(),
});
const fileSchema = z.object({
  version: z.literal(1),
  store: z.enum(['keyring', 'file']),
  /** Which key it is encrypted with. */
  keyId: z.string().regex(/^[0-9a-f]{8}$/),
  secrets: z.record(z.string(), sealedSchema),
});
export type SecretsFile = z.infer<typeof fileSchema>;
export type Sealed = z.infer<typeof sealedSchema>;

const CIPHER = 'aes-256-gcm';

/** What logs and reports show of a key. */
export const fingerprintOf = (value: string) => createHash('sha256').update(value).digest('hex').slice(0, 8);

export function seal(key: Buffer, name: string, value: string): Pick<Sealed, 'nonce' | 'tag' | 'data'> {
  const nonce = randomBytes(12);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(name));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return {
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
}

/** @throws GodelError secrets-unreadable when the key is not the right one or the file was changed */
export function unseal(key: Buffer, name: string, sealed: Pick<Sealed, 'nonce' | 'tag' | 'data'>): string {
  try {
    const bytes = (text: string) => Buffer.from(text, 'base64');
    const decipher = createDecipheriv(CIPHER, key, bytes(sealed.nonce), { authTagLength: 16 })
      .setAAD(Buffer.from(name))
      .setAuthTag(bytes(sealed.tag));
    return decipher.update(bytes(sealed.data), undefined, 'utf8') + decipher.final('utf8');
  } catch (error) {
    throw failure('secrets-unreadable', { problem: `${name} does not fit the key` }, error);
  }
}

/** @throws GodelError secrets-unreadable */
export async function readSecrets(file: string): Promise<SecretsFile | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw failure('secrets-unreadable', { problem: error.message }, error);
  });
  if (text === undefined) return undefined;
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw failure('secrets-unreadable', { problem: `${file} is not a file of secrets` }, error);
  }
}

/** Replaces the file; after a power cut it is the old one or the new one. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/** Provider keys (secrets), and virtual keys that stand for them. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { keyInfoSchema, secretInfoSchema, secretNameSchema } from './schema.ts';

const name = secretNameSchema.describe('Id of the provider, or provider/label for a further key of it');
/** The command line never takes it as a flag: other users could read it from the list of processes. */
const value = z.string().trim().min(8).max(4_096).meta({ secret: true }).describe('The key; read from standard input');

const id = z.string().min(1).describe('Id of the key (four digits or more), or its name');

export const secretOperations = {
  secretSet: operation({
    name: 'secret set',
    http: { method: 'PUT', path: '/secrets' },
    summary: 'Keep a provider key, encrypted; it is read from standard input',
    input: z.object({ name, value }),
    output: secretInfoSchema,
    permission: 'secret:write',
    args: ['name'],
    scope: 'home',
    examples: ['godel secret set anthropic < key.txt', 'godel secret set openai/backup'],
    text: (secret) => `Secret ${secret.name} is set (${secret.fingerprint})`,
  }),
  secretList: operation({
    name: 'secret list',
    http: { method: 'GET', path: '/secrets' },
    summary: 'List the secrets by name, fingerprint and age; never a value',
    input: z.object({}),
    output: z.object({ items: z.array(secretInfoSchema), store: z.enum(['keyring', 'file', 'none']) }),
    permission: 'secret:read',
    scope: 'home',
    examples: ['godel secret list'],
    text: ({ items, store }) =>
      items.length === 0
        ? 'No secret is kept: godel secret set anthropic'
        : `${table(
            ['NAME', 'FINGERPRINT', 'SET', 'AGE'],
            items.map((each) => [
              each.name,
              each.fingerprint,
              (each.rotatedAt ?? each.createdAt).slice(0, 10),
              `${each.ageDays} d${each.due ? ' (rotate it)' : ''}`,
            ]),
          )}\n\nEncrypted; the key to it is in ${store === 'keyring' ? 'the keyring of the system' : 'a file that only you can read'}.`,
  }),
  secretRotate: operation({
    name: 'secret rotate',
    http: { method: 'POST', path: '/secrets/rotate' },
    summary: 'Replace a provider key; requests in flight end with the old one',
    input: z.object({ name, value }),
    output: secretInfoSchema,
    permission: 'secret:write',
    args: ['name'],
    scope: 'home',
    examples: ['godel secret rotate anthropic < new-key.txt'],
    text: (secret) => `Secret ${secret.name} is rotated (${secret.fingerprint})`,
  }),
  secretRekey: operation({
    name: 'secret rekey',
    http: { method: 'POST', path: '/secrets/rekey' },
    summary: 'Encrypt all secrets again with a new key',
    input: z.object({}),
    output: z.object({ secrets: z.number().int() }),
    permission: 'secret:write',
    scope: 'home',
    examples: ['godel secret rekey'],
    text: ({ secrets }) => `${secrets} secrets are encrypted with a new key.`,
  }),
  secretDelete: operation({
    name: 'secret delete',
    http: { method: 'DELETE', path: '/secrets' },
    summary: 'Forget a provider key',
    input: z.object({ name }),
    output: z.object({ deleted: z.string() }),
    permission: 'secret:write',
    args: ['name'],
    scope: 'home',
    examples: ['godel secret delete openai/backup'],
    text: ({ deleted }) => `Secret ${deleted} is deleted`,
  }),
  keyCreate: operation({
    name: 'key create',
    http: { method: 'POST', path: '/keys', status: 201 },
    summary: 'Make a virtual key for the proxy; it is shown once',
    input: z.object({
      name: z
        .string()
        .regex(/^[a-z][a-z0-9_-]{0,62}$/)
        .describe('Name that reports show'),
      agent: z.string().optional().describe('Counts as this agent'),
      bead: z.string().optional().describe('Spends for this bead'),
      convoy: z.string().optional().describe('Spends for this convoy'),
      team: z.string().optional().describe('Spends for this team'),
      user: z.string().optional().describe('Of this user; yourself when left out'),
      models: z
        .array(z.string())
        .default([])
        .describe('May ask for this model only; a * at the end stands for any rest'),
      expires: z.string().optional().describe('When it ends: a date, or how long from now (30d)'),
      budget: z.coerce.number().positive().optional().describe('Most it may spend, in USD'),
    }),
    output: keyInfoSchema.extend({ key: z.string().describe('The key itself, shown only now'), url: z.string() }),
    permission: 'key:write',
    args: ['name'],
    scope: 'project',
    examples: ['godel key create ci --expires 30d --budget 10 --model fast'],
    text: (made) => `${made.key}\n\nKey ${made.name} (${made.id}) for ${made.url}; it is not shown again.`,
  }),
  keyList: operation({
    name: 'key list',
    http: { method: 'GET', path: '/keys' },
    summary: 'List the virtual keys that are valid',
    input: z.object({}),
    output: z.object({ items: z.array(keyInfoSchema) }),
    permission: 'key:read',
    scope: 'home',
    examples: ['godel key list'],
    text: ({ items }) =>
      table(
        ['ID', 'NAME', 'BEAD', 'MODELS', 'EXPIRES'],
        items.map((each) => [
          each.id,
          each.name ?? `agent ${each.agentName ?? ''}`,
          each.beadId ?? '-',
          each.models?.join(' ') ?? 'any',
          each.expiresAt ?? 'never',
        ]),
      ),
  }),
  keyRevoke: operation({
    name: 'key revoke',
    http: { method: 'DELETE', path: '/keys/:id' },
    summary: 'Make a virtual key invalid at once; its streams end',
    input: z.object({ id }),
    output: z.object({ revoked: z.string() }),
    permission: 'key:write',
    args: ['id'],
    scope: 'home',
    examples: ['godel key revoke ci'],
    text: ({ revoked }) => `Key ${revoked} is revoked`,
  }),
} as const;

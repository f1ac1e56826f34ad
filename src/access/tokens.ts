/** API tokens: random, kept as SHA-256 hashes. The admin key of a home lies in a 0600 file. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { isoNow } from '../base/clock.ts';
import type { Database } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { Actor } from './schema.ts';

export type TokenKind = 'admin' | 'agent';

const PREFIX: Readonly<Record<TokenKind | 'virtual', string>> = {
  admin: 'godel_sk_',
  agent: 'godel_ag_',
  virtual: 'godel_vk_',
};

export function newToken(kind: TokenKind | 'virtual'): string {
  return PREFIX[kind] + randomBytes(24).toString('base64url');
}

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export interface Tokens {
  /** Makes a token for an actor; the plain text is seen only here. */
  issue(kind: TokenKind, actor: Actor): Promise<string>;
  /** The actor of a valid token. */
  authenticate(token: string): Promise<Actor | undefined>;
  /** Makes every token of an actor invalid at once. */
  revoke(actorId: string): Promise<void>;
  /** Reads the admin key of this home, or makes it on the first start. */
  ensureAdminKey(file: string): Promise<void>;
}

const validToken = prepared((db, hash: string) =>
  db.selectFrom('tokens').selectAll().where('hash', '=', hash).where('revoked_at', 'is', null),
);

export function createTokens(database: Database, clock: Clock): Tokens {
  const insert = (hash: string, kind: TokenKind, actor: Actor) =>
    database.transact(async (tx) => {
      const row = {
        hash,
        kind,
        actor_id: actor.id,
        actor_name: actor.name,
        created_at: isoNow(clock),
        revoked_at: null,
      };
      await tx
        .insertInto('tokens')
        .values(row)
        .onConflict((c) => c.column('hash').doNothing())
        .execute();
    });
  return {
    async issue(kind, actor) {
      const token = newToken(kind);
      await insert(hashToken(token), kind, actor);
      return token;
    },
    async authenticate(token) {
      const [row] = (await validToken(database.db, hashToken(token))).rows;
      return row && { kind: row.kind === 'agent' ? 'agent' : 'user', id: row.actor_id, name: row.actor_name };
    },
    async revoke(actorId) {
      await database.transact(async (tx) => {
        const revoked = { revoked_at: isoNow(clock) };
        await tx
          .updateTable('tokens')
          .set(revoked)
          .where('actor_id', '=', actorId)
          .where('revoked_at', 'is', null)
          .execute();
      });
    },
    async ensureAdminKey(file) {
      const admin: Actor = { kind: 'user', id: 'admin', name: 'admin' };
      const known = (await readFile(file, 'utf8').catch(() => '')).trim();
      const token = known === '' ? newToken('admin') : known;
      if (known === '') await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'w' });
      await insert(hashToken(token), 'admin', admin);
    },
  };
}

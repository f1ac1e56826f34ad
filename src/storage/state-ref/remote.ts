/**
 * The state ref and other clones: fetched into refs/godel/remotes/<remote>/, pushed without force. Nothing is written
 * to the user's configuration, branches, or FETCH_HEAD.
 */

import { messageOf } from '../../base/error.ts';
import { git, tryGit } from '../../base/git.ts';
import { failure } from '../../errors.ts';
import { STATE_REF } from './layout.ts';

const NETWORK_MS = 180_000;
const CONFIG = ['core.fsync=committed', 'gc.auto=0', 'maintenance.auto=false', 'core.hooksPath=/dev/null'];

export interface RemoteState {
  /** Tip of its state ref. */
  state?: string;
  /** Tip of its fallback branch. */
  fallback?: string;
}

export const remoteRef = (remote: string, name: string): string => `refs/godel/remotes/${remote}/${name}`;

/**
 * Name of the git remote that is meant: the given one, else origin, else the only one.
 * @throws GodelError sync-no-remote
 */
export async function chooseRemote(gitDir: string, wanted: string | undefined): Promise<string> {
  const names = (await git(gitDir, ['remote'])).split('\n').filter((name) => name !== '');
  const name = wanted ?? (names.includes('origin') ? 'origin' : names.length === 1 ? names[0] : undefined);
  if (name !== undefined && names.includes(name)) return name;
  throw failure('sync-no-remote', { remote: name ?? '', known: names });
}

async function tip(gitDir: string, ref: string): Promise<string | undefined> {
  const result = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', ref]);
  return result.code === 0 ? result.stdout.trim() : undefined;
}

/** Brings the refs of a remote here; what it no longer has is forgotten. @throws GodelError sync-failed */
export async function fetchState(gitDir: string, remote: string, fallback: string | undefined): Promise<RemoteState> {
  const refspecs = [
    `+refs/godel/*:${remoteRef(remote, '*')}`,
    // What another clone knows of others, and what its agents have not committed, is not asked for.
    ...['remotes', 'wip', 'checkpoint', 'queue', 'pool'].map((name) => `^refs/godel/${name}/*`),
    ...(fallback === undefined ? [] : [`+refs/heads/${fallback}*:${remoteRef(remote, 'branch')}/${fallback}*`]),
  ];
  const flags = [
    '--quiet',
    '--prune',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--atomic',
    '--refmap=',
  ];
  const result = await tryGit(gitDir, ['fetch', ...flags, '--end-of-options', remote, ...refspecs], {
    config: CONFIG,
    timeoutMs: NETWORK_MS,
  });
  if (result.code !== 0) {
    const problem = result.timedOut ? `no answer in ${NETWORK_MS / 1000} s` : messageOf(result.stderr);
    throw failure('sync-failed', { remote, problem });
  }
  const state = await tip(gitDir, remoteRef(remote, 'state'));
  const branch = fallback && (await tip(gitDir, `${remoteRef(remote, 'branch')}/${fallback}`));
  return { ...(state ? { state } : {}), ...(branch ? { fallback: branch } : {}) };
}

/** What a remote said to a push: done, somebody was faster, or it does not take refs of this name. */
export type PushResult = { outcome: 'done' } | { outcome: 'behind' | 'refused'; reason: string };

/** Pushes the commit to `ref` of the remote, never with force. @throws GodelError sync-failed */
export async function pushState(gitDir: string, remote: string, oid: string, ref: string): Promise<PushResult> {
  const args = ['push', '--porcelain', '--no-verify', '--end-of-options', remote, `${oid}:${ref}`];
  const result = await tryGit(gitDir, args, { config: CONFIG, timeoutMs: NETWORK_MS });
  if (result.code === 0) {
    if (ref === STATE_REF) await git(gitDir, ['update-ref', remoteRef(remote, 'state'), oid]);
    return { outcome: 'done' };
  }
  const line = result.stdout.split('\n').find((each) => each.startsWith('!')) ?? '';
  const reason = /\[[^\]]*\].*$/.exec(line)?.[0] ?? messageOf(result.stderr);
  if (
    /fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|reference already exists/i.test(
      reason,
    )
  ) {
    return { outcome: 'behind', reason };
  }
  if (line !== '') return { outcome: 'refused', reason };
  const problem = result.timedOut ? `no answer in ${NETWORK_MS / 1000} s` : messageOf(result.stderr);
  throw failure('sync-failed', { remote, problem });
}

export async function isAncestor(gitDir: string, older: string, newer: string): Promise<boolean> {
  return (await tryGit(gitDir, ['merge-base', '--is-ancestor', older, newer])).code === 0;
}

/** The commit both come from; undefined when they never met. */
export async function mergeBase(gitDir: string, a: string, b: string): Promise<string | undefined> {
  const result = await tryGit(gitDir, ['merge-base', a, b]);
  return result.code === 0 ? result.stdout.trim() : undefined;
}

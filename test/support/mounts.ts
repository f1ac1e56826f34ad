/** Small file systems that can be full or read-only, where this machine lets a test mount them. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const mount = (...args: string[]) => spawnSync('mount', args, { stdio: 'ignore' }).status === 0;

/** Mounts `megabytes` of memory at `folder`; false where that is not allowed. */
export function mountMemory(folder: string, megabytes: number): boolean {
  mkdirSync(folder, { recursive: true });
  return mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder);
}

export const remount = (folder: string, how: 'ro' | 'rw'): boolean => mount('-o', `remount,${how}`, folder);

/** Lets go of it even while somebody still has a file open there. */
export function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder], { stdio: 'ignore' });
}

/** Whether tests may mount here; says so aloud when they may not. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  const works = mountMemory(folder, 1);
  if (works) unmount(folder);
  rmSync(folder, { recursive: true, force: true });
  if (!works) process.stderr.write('\nSKIPPED: full disk and read-only file system; this user may not mount here.\n');
  return works;
}

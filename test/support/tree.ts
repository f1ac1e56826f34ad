/** Copies of the source tree, for tests that plant faults in it or set it up from nothing. */
import { cpSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const NOT_SOURCE = /^(node_modules|\.git|\.tools|\.godel|dist(\..*)?|coverage|.*\.tgz)$/;

/** Copies what a clean clone would hold into the empty folder `to`. */
export function copyTree(to: string): void {
  cpSync(root, to, { recursive: true, filter: (from) => from === root || !NOT_SOURCE.test(basename(from)) });
}

/** Text that a command is given as a file: the daemon may run elsewhere, so the content is sent and not the path. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';

/** The text of a file, or of standard input for `-`. @throws GodelError bad-input */
export function readInput(path: string, cwd: string): string {
  try {
    return readFileSync(path === '-' ? 0 : resolve(cwd, path), 'utf8');
  } catch (error) {
    const hint = 'Name a file, or - to read what is piped in.';
    throw failure('bad-input', { problem: `${path} cannot be read: ${messageOf(error)}.`, hint }, error);
  }
}

/** What is known of a file without opening it. */
import { type Stats, statSync } from 'node:fs';

/**
 * One cheap call, for files on the disk of the database that are asked for all the time: to wait for it costs more than the
 * answer. Undefined when there is none, or a part of its path is no folder or closed to us.
 */
export function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

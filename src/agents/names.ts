/** Human names for agents: `<role>-<n>`, unique for ever within a project. Pure. */
import { failure } from '../errors.ts';

/**
 * `count` free names; a wanted name is used as it is for one agent, numbered for several.
 * @throws GodelError name-taken
 */
export function freeNames(
  taken: ReadonlySet<string>,
  wanted: string | undefined,
  role: string,
  count: number,
): string[] {
  if (wanted !== undefined && count === 1) {
    if (taken.has(wanted)) throw failure('name-taken', { name: wanted });
    return [wanted];
  }
  const stem = wanted ?? role;
  const names: string[] = [];
  for (let number = 1; names.length < count; number += 1) {
    const name = `${stem}-${number}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
}

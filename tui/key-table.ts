/** What every table of keys is made of: the board's and the review popup's. */
import type { Operations } from '../src/operations.ts';

export interface KeyBinding<Mode extends string, Action extends string, M> {
  readonly action: Action;
  readonly modes: readonly Mode[];
  readonly keys: readonly string[];
  /** What it asks the daemon for; absent when it changes the screen alone. */
  readonly operation?: keyof Operations;
  /** Word for the bottom line; bindings without one are found by `?`. */
  readonly hint?: string;
  /** One sentence for `?` and the docs. */
  readonly tooltip: string;
  readonly disabledReason?: (model: M) => string | undefined;
}

type AnyBinding = Pick<KeyBinding<string, string, never>, 'action' | 'modes' | 'keys'>;

/** Keys bound twice in one mode: must be empty. */
export function clashes(bindings: readonly AnyBinding[]): string[] {
  const seen = new Map<string, string>();
  const found: string[] = [];
  for (const { action, modes, keys } of bindings) {
    for (const place of modes.flatMap((mode) => keys.map((key) => `${mode} ${key}`))) {
      const other = seen.get(place);
      if (other) found.push(`${place}: ${other} and ${action}`);
      seen.set(place, action);
    }
  }
  return found;
}

/** A look-up by mode and key. */
export function indexKeys<B extends AnyBinding>(bindings: readonly B[]): (mode: string, key: string) => B | undefined {
  const index = new Map<string, B>();
  for (const binding of bindings)
    for (const mode of binding.modes) for (const key of binding.keys) index.set(`${mode} ${key}`, binding);
  return (mode, key) => index.get(`${mode} ${key}`);
}

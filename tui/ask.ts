/** Asking the daemon for a person: one call, its place in the log, and what came of it as a toast. */
import { GodelError, messageOf } from '../src/base/error.ts';
import type { InputOf, OutputOf } from '../src/base/operation.ts';
import type { Bead } from '../src/beads/schema.ts';
import type { Operations } from '../src/operations.ts';
import type { Model } from './model/state.ts';
import { clean } from './model/text.ts';
import type { Surroundings } from './ports.ts';
import type { Store } from './store.ts';

/** How long the board waits to hear of its own change before it says so (ms). */
const EVENT_WAIT_MS = 3_000;

export interface ActionContext extends Surroundings {
  readonly store: Store;
  /** Runs the action of a help entry after help was closed. */
  readonly runAction: (action: string) => void;
  /** Puts a session back or forks it, after the question was answered with yes. */
  confirmedMove: (action: string, targets: readonly string[]) => Promise<void>;
  /** Answers an item of the inbox. */
  readonly answerItem: (id: string, answer: { choice?: string; text?: string }) => Promise<void>;
}

let keys = 0;
/** Number of the next line of the command log. */
export const nextKey = () => (keys += 1);

export function good(context: ActionContext, text: string): void {
  context.store.dispatch({ type: 'toast', toast: { kind: 'good', text } });
}

export function bad(context: ActionContext, text: string, hint?: string): void {
  context.store.dispatch({ type: 'toast', toast: { kind: 'bad', text, ...(hint === undefined ? {} : { hint }) } });
}

/** Calls one operation; logs it in the words of the CLI; a refusal becomes a toast. Undefined when refused. */
export async function ask<K extends keyof Operations>(
  context: ActionContext,
  operation: K,
  input: InputOf<Operations[K]>,
  command: string,
): Promise<OutputOf<Operations[K]> | undefined> {
  const { store } = context;
  const key = nextKey();
  store.dispatch({ type: 'log', entry: { key, command, outcome: 'running' } });
  store.dispatch({ type: 'pending', pending: { key, label: command } });
  try {
    const output = await context.client.call(operation, input);
    store.dispatch({ type: 'log', entry: { key, command, outcome: 'done' } });
    return output;
  } catch (error) {
    const text = clean(messageOf(error));
    store.dispatch({ type: 'log', entry: { key, command, outcome: 'refused', detail: text } });
    bad(context, text, error instanceof GodelError ? clean(error.hint) : undefined);
    return undefined;
  } finally {
    store.dispatch({ type: 'settled', key });
  }
}

export async function heard(context: ActionContext, holds: (model: Model) => boolean, text: string): Promise<void> {
  const isShown = await context.store.until(holds, EVENT_WAIT_MS);
  good(context, isShown ? text : `${text} (accepted; the board has not heard of it yet)`);
}

/** The board knows these versions of the beads. */
export const heardBeads =
  (...beads: readonly Bead[]) =>
  (model: Model): boolean =>
    beads.every((bead) => (model.beads.get(bead.id)?.version ?? -1) >= bead.version);

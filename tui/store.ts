/** Holds the one model, applies messages, tells who listens. Knows neither terminal nor daemon. */
import type { Message } from './model/reduce.ts';
import { reduce } from './model/reduce.ts';
import type { Model } from './model/state.ts';

export interface ModelStore<M, T> {
  get(): M;
  dispatch(message: T): void;
  /** Returns its own unsubscribe. */
  subscribe(listener: (model: M) => void): () => void;
  /** True once `holds` is true of the model; false after `timeoutMs`. */
  until(holds: (model: M) => boolean, timeoutMs: number): Promise<boolean>;
}

export type Store = ModelStore<Model, Message>;

/** `reduce` gets the time (Unix ms) of every message, so that it stays pure. */
export function createModelStore<M, T>(
  initial: M,
  reduce: (model: M, message: T, nowMs: number) => M,
  now: () => number,
): ModelStore<M, T> {
  let model = initial;
  const listeners = new Set<(model: M) => void>();
  const store: ModelStore<M, T> = {
    get: () => model,
    dispatch(message) {
      const next = reduce(model, message, now());
      if (next === model) return;
      model = next;
      for (const listener of [...listeners]) listener(model);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    until(holds, timeoutMs) {
      if (holds(model)) return Promise.resolve(true);
      return new Promise((resolve) => {
        const finish = (result: boolean) => {
          clearTimeout(timer);
          unsubscribe();
          resolve(result);
        };
        const timer = setTimeout(() => finish(false), timeoutMs);
        const unsubscribe = store.subscribe((next) => {
          if (holds(next)) finish(true);
        });
      });
    },
  };
  return store;
}

export function createStore(initial: Model, now: () => number): Store {
  return createModelStore(initial, reduce, now);
}

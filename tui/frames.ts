/** From models to painted frames; a frame that looks like the one before is not passed on. */

import type { ModelStore } from './store.ts';
import type { ScreenSource } from './views/screen-source.ts';

/** Calls `paint` once a model and keeps the old rows while the new ones are equal. */
export function createFrames<M>(
  store: Pick<ModelStore<M, never>, 'get' | 'subscribe'>,
  paint: (model: M) => string[],
): ScreenSource {
  let painted = store.get();
  let rows = paint(painted);
  const refresh = (): boolean => {
    const model = store.get();
    if (model === painted) return false;
    painted = model;
    const next = paint(model);
    if (next.length === rows.length && next.every((row, index) => row === rows[index])) return false;
    rows = next;
    return true;
  };
  return {
    subscribe: (listener) =>
      store.subscribe(() => {
        if (refresh()) listener();
      }),
    rows: () => {
      refresh();
      return rows;
    },
  };
}

/**
 * Notices that somebody moved the state ref: woken by the file system, and by a slow timer where that is silent.
 * No process is started for it.
 */
import { type FSWatcher, mkdirSync, watch as watchFolder } from 'node:fs';
import { join } from 'node:path';

export interface RefWatch {
  close(): void;
}

const DEBOUNCE_MS = 100;
const FALLBACK_MS = 15_000;

export function watchStateRef(gitDir: string, onChange: () => void): RefWatch {
  const folder = join(gitDir, 'refs', 'godel');
  let watcher: FSWatcher | undefined;
  let debounce: NodeJS.Timeout | undefined;

  function soon(): void {
    clearTimeout(debounce);
    debounce = setTimeout(onChange, DEBOUNCE_MS);
  }

  /** Git removes the folder with its last ref, and the watch with it. */
  function follow(): void {
    if (watcher) return;
    try {
      mkdirSync(folder, { recursive: true });
      const current = watchFolder(folder, (_kind, name) => {
        if (name === 'state') soon();
        if (name === 'godel') current.close();
      });
      current.on('error', () => current.close());
      current.on('close', () => {
        if (watcher === current) watcher = undefined;
      });
      watcher = current;
    } catch {
      // The timer is left.
    }
  }

  follow();
  const fallback = setInterval(() => {
    follow();
    onChange();
  }, FALLBACK_MS);
  return {
    close() {
      clearInterval(fallback);
      clearTimeout(debounce);
      watcher?.close();
    },
  };
}

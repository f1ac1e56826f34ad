/**
 * Notices that somebody moved the state ref: woken by the file system, and by a slow timer where that is silent.
 * No process is started for it.
 */
import { type FSWatcher, mkdirSync, watch as watchFolder } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STATE_REF } from './layout.ts';

export interface RefWatch {
  close(): void;
}

const DEBOUNCE_MS = 100;
const FALLBACK_MS = 15_000;

/** Commit of the ref as its own file says; undefined when it has none (packed, gone, or another ref store). */
export async function looseRef(gitDir: string): Promise<string | undefined> {
  const text = (await readFile(join(gitDir, STATE_REF), 'utf8').catch(() => '')).trim();
  return /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

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

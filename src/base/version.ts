/** Version of this Godel, from its package.json, wherever the program was bundled to. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function readVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === 'godel' && manifest.version) return manifest.version;
    } catch {
      // Not here: the folder above is tried.
    }
    if (dirname(folder) === folder) return '0.0.0';
  }
}

export const version = readVersion();

/** Version of this Godel, from its package.json, wherever the program was bundled to. */
import { existsSync, readFileSync } from 'node:fs';
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

/** What a build in a working copy was made from; a published package has none, its version says it all. */
function readBuild(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  // dist/ itself, a folder inside it, or the sources beside it.
  const folders = [here, dirname(here), join(here, '..', '..', 'dist')];
  const file = folders.map((folder) => join(folder, '.godel-stamp')).find((each) => existsSync(each));
  return file === undefined ? '' : readFileSync(file, 'utf8').trim().slice(0, 8);
}

const build = readBuild();

/** Version with its build (as in Semantic Versioning 2.0.0 §10): two programs that differ in it do not fit together. */
export const release = build === '' ? version : `${version}+${build}`;

/** Bundles every program into dist/. One file each, as a bundle loads several times faster than hundreds of modules. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { ENTRIES } from './entries.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  external: ['better-sqlite3', '@earendil-works/*', 'bufferutil', 'utf-8-validate'],
  // ink's developer tools are not for users, and their package is not installed.
  alias: { 'react-devtools-core': join(root, 'scripts', 'empty-module.js') },
  banner: { js: REQUIRE },
  sourcemap: 'linked',
  logLevel: 'warning',
} as const satisfies BuildOptions;

const folder = join(root, 'dist');
const fresh = join(root, `dist.${process.pid}`);
const missing = Object.values(ENTRIES).filter((file) => !existsSync(join(root, file)));
if (missing.length > 0) throw new Error(`entries are missing: ${missing.join(', ')}`);

const { godel, ...programs } = ENTRIES;
await build({
  ...common,
  entryPoints: { godel: godel as string },
  outdir: fresh,
  splitting: true,
  chunkNames: 'cli/[hash]',
  minifySyntax: true,
});
for (const [name, file] of Object.entries(programs)) {
  const keep = name === 'board' || name === 'review' ? {} : { define: {} };
  await build({ ...common, ...keep, entryPoints: { [name]: file }, outdir: fresh, minifySyntax: true });
}

// The finished folder takes the place of the old one at once, so that nobody starts half a build.
const old = join(root, `dist.old.${process.pid}`);
mkdirSync(fresh, { recursive: true });
chmodSync(join(fresh, 'godel.js'), 0o755);
if (existsSync(folder)) renameSync(folder, old);
renameSync(fresh, folder);
rmSync(old, { recursive: true, force: true });

/** Bundles every program into dist/. One file each, as a bundle loads several times faster than hundreds of modules. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { ENTRIES } from './entries.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/**
 * `import … from 'node:http'` makes Node look at every export of it, and one of them loads its whole fetch: some 50 ms of
 * every start. Taken as an object, nothing is looked at that is not used. node:https brings all of TLS: it is loaded when
 * something of it is taken, which on most days is never.
 */
const plainHttp: Plugin = {
  name: 'plain-http',
  setup(builder) {
    builder.onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'plain-http' }));
    builder.onLoad({ filter: /.*/, namespace: 'plain-http' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http');",
    }));
    builder.onResolve({ filter: /^(node:)?https$/ }, () => ({ path: 'https', namespace: 'plain-https' }));
    builder.onLoad({ filter: /.*/, namespace: 'plain-https' }, () => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule('node:https')[name] });`,
    }));
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  external: ['better-sqlite3', '@earendil-works/*', 'bufferutil', 'utf-8-validate', 'node-pty'],
  // ink's developer tools are not for users, and their package is not installed.
  alias: { 'react-devtools-core': join(root, 'scripts', 'empty-module.js') },
  banner: { js: REQUIRE },
  plugins: [plainHttp],
  sourcemap: 'linked',
  logLevel: 'warning',
  // The board sets NODE_ENV for its tests, which run it from source; here it is defined already.
  logOverride: { 'assign-to-define': 'silent' },
} as const satisfies BuildOptions;

const folder = join(root, 'dist');
const fresh = join(root, `dist.${process.pid}`);
const old = join(root, `dist.old.${process.pid}`);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Folders of builds that were killed. */
function removeRemains(): void {
  for (const name of readdirSync(root)) {
    const pid = /^dist\.(?:old\.)?(\d+)$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(root, name), { recursive: true, force: true });
  }
}

async function buildAll(): Promise<void> {
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
  chmodSync(join(fresh, 'godel.js'), 0o755);
}

const missing = Object.values(ENTRIES).filter((file) => !existsSync(join(root, file)));
if (missing.length > 0) throw new Error(`entries are missing: ${missing.join(', ')}`);
removeRemains();
try {
  // Read before the build: what changes during it makes this build stale.
  const stamp = execFileSync('sh', [join(root, 'scripts', 'bootstrap.sh'), 'fingerprint'], { encoding: 'utf8' });
  await buildAll();
  writeFileSync(join(fresh, '.godel-stamp'), stamp);
  // The finished folder takes the place of the old one at once, so that nobody starts half a build.
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(fresh, folder);
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}

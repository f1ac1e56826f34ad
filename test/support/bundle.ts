/** Bundles a terminal program the way the build does, for tests and benchmarks. */
import { build } from 'esbuild';

const DEVTOOLS = 'react-devtools-core';

/** Writes `outfile` (ESM for Node) from `entry`. */
export async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    jsx: 'automatic',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'no-devtools',
        setup(setup) {
          setup.onResolve({ filter: new RegExp(`^${DEVTOOLS}$`) }, () => ({ path: DEVTOOLS, namespace: 'empty' }));
          setup.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({
            contents: 'export default { initialize() {}, connectToDevTools() {} };',
          }));
        },
      },
    ],
  });
}

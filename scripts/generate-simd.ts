/** Makes proxy/wire/simd-wasm.ts from simd.wat beside it. `--check` says whether it is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const path = (name: string) => fileURLToPath(new URL(`../proxy/wire/${name}`, import.meta.url));
const source = readFileSync(path('simd.wat'), 'utf8');
const tools = await wabt();
const module = tools.parseWat('simd.wat', source, { simd: true });
module.validate();
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
const lines = base64.match(/.{1,110}/g) ?? [];
const text = `/** simd.wat as a WebAssembly module, in base64. Made by scripts/generate-simd.ts. */
export const SIMD_WASM =
  ${lines.map((line) => `'${line}'`).join(' +\n  ')};
`;

const file = path('simd-wasm.ts');
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stdout.write('proxy/wire/simd-wasm.ts is stale: npm run generate\n');
  process.exit(1);
}

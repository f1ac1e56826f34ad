/** Makes proxy/wire/quotes-wasm.ts from quotes.wat beside it. `--check` says whether it is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const path = (name: string) => fileURLToPath(new URL(`../proxy/wire/${name}`, import.meta.url));
const source = readFileSync(path('quotes.wat'), 'utf8');
const tools = await wabt();
const module = tools.parseWat('quotes.wat', source, { simd: true });
module.validate();
const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
const lines = base64.match(/.{1,110}/g) ?? [];
const text = `/** quotes.wat as a WebAssembly module, in base64. Made by scripts/generate-quotes.ts. */
export const QUOTES_WASM =
  ${lines.map((line) => `'${line}'`).join(' +\n  ')};
`;

const file = path('quotes-wasm.ts');
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stdout.write('proxy/wire/quotes-wasm.ts is stale: npm run generate\n');
  process.exit(1);
}

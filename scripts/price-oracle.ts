/** Prices a second time with an independent package. A disagreement that is not known here fails the build. */
import { calcPrice } from '@pydantic/genai-prices';
import { costOf, type Price } from '../proxy/cost.ts';
import type { TokenUse } from '../src/costs/schema.ts';
import type { PriceRow } from './generate-prices.ts';

/** Model -> why the two sources differ, looked up at the provider. Entries that no longer differ are an error too. */
export const KNOWN: Readonly<Record<string, string>> = {
  'google/gemini-3.1-flash-lite-image': 'image output here, text output there; the dearer one is the safe one',
  'groq/openai/gpt-oss-safeguard-20b': 'there it is matched as the larger gpt-oss-120b',
  'mistral/ministral-8b-latest': 'the moving name points at another release there',
  'mistral/mistral-large-latest': 'the moving name points at an older release there',
  'mistral/mistral-medium-3.5': 'no cache discount is known here, so cached input costs what plain input costs',
  'mistral/mistral-small-latest': 'the moving name points at another release there',
  'mistral/voxtral-small-latest': 'text output here, audio release there',
};

/** Some prices depend on the day, or on the hour (cheaper at night): both sources are asked for this moment, at full price. */
export const AS_OF = new Date('2026-11-27T08:00:00Z');

/** Models of which only the first source knows a price are counted, not compared. */
const PROVIDER_NAMES: Readonly<Record<string, string>> = { xai: 'x-ai' };
const NANO = 1_000_000_000;
/** Where providers commonly begin to bill a long context (tokens). */
const LONG = 200_000;

/** One use a kind of token, and each above the long-context limit. */
function samples(row: PriceRow): [string, TokenUse][] {
  const none: TokenUse = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };
  const kinds = ['input', 'output', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const;
  const short = kinds.map((kind): [string, TokenUse] => [kind, { ...none, [kind]: 1_000 }]);
  // Models without a tier here may have one there.
  const above = row.tiers?.[0]?.above ?? LONG;
  const fits = row.tiers !== undefined || row.contextWindow > LONG;
  return fits ? [...short, ['input of a long context', { ...none, input: above + 1_000 }]] : short;
}

function secondPrice(row: PriceRow, use: TokenUse): number | undefined {
  const usage = {
    input_tokens: use.input + use.cacheRead + use.cacheWrite5m + use.cacheWrite1h,
    output_tokens: use.output,
    cache_read_tokens: use.cacheRead,
    cache_write_tokens: use.cacheWrite5m + use.cacheWrite1h,
    ...(use.cacheWrite1h > 0 ? { cache_write_1h_tokens: use.cacheWrite1h } : {}),
  };
  const found = calcPrice(usage, row.id, {
    providerId: PROVIDER_NAMES[row.provider] ?? row.provider,
    timestamp: AS_OF,
  });
  if (!found) return undefined;
  const known = found.model_price;
  // Without a rate of its own the second source falls back to plain input, which says nothing.
  if (use.cacheRead > 0 && known.cache_read_mtok === undefined) return undefined;
  if (use.cacheWrite5m > 0 && known.cache_write_mtok === undefined) return undefined;
  if (use.cacheWrite1h > 0 && known.cache_write_1h_mtok === undefined) return undefined;
  return Math.round(found.total_price * NANO);
}

/** Every disagreement that is not a known one, and every known one that is none any more. */
export function disagreements(rows: readonly PriceRow[]): string[] {
  const problems: string[] = [];
  const differing = new Set<string>();
  for (const row of rows) {
    const name = `${row.provider}/${row.id}`;
    for (const [kind, use] of samples(row)) {
      const [ours, theirs] = [costOf(row as Price, use), secondPrice(row, use)];
      if (theirs === undefined || ours === theirs) continue;
      differing.add(name);
      if (!(name in KNOWN)) problems.push(`${name}: ${kind} costs ${ours} nano-dollars here and ${theirs} there`);
    }
  }
  for (const name of Object.keys(KNOWN)) {
    if (!differing.has(name))
      problems.push(`${name}: both sources agree now; take it off the list of known disagreements`);
  }
  return problems;
}

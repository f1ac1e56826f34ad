/**
 * Makes proxy/prices.json from the model tables of the pi-ai package: exact ids, integer nano-dollars per million
 * tokens, and exact aliases. `--check` compares it with its source, and every price with a second source.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { calcPrice, findProvider, type MatchLogic, type TieredPrices } from '@pydantic/genai-prices';
import { AS_OF, disagreements } from './price-oracle.ts';

interface Rates {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

interface Model {
  id: string;
  input: string[];
  cost: Rates & { tiers?: (Rates & { inputTokensAbove: number })[] };
  contextWindow: number;
  maxTokens: number;
}

export interface PriceRow {
  provider: string;
  id: string;
  aliases?: string[];
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  tiers?: ({ above: number } & Record<'input' | 'output' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h', number>)[];
  contextWindow: number;
  maxTokens: number;
  images?: boolean;
}

const PROVIDERS = [
  'anthropic',
  'openai',
  'google',
  'deepseek',
  'moonshotai',
  'xai',
  'groq',
  'mistral',
  'cerebras',
] as const;
const NANO = 1_000_000_000;
/** Anthropic bills one-hour cache writes at twice the input price (its pricing page). */
const ONE_HOUR_WRITE = 2;

const nano = (usd: number) => Math.round(usd * NANO);

/** What a table leaves at zero is not free: it costs what plain input costs. */
function rates(
  cost: Rates,
  provider: string,
): Pick<PriceRow, 'input' | 'output' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h'> {
  const write1h = provider === 'anthropic' ? cost.input * ONE_HOUR_WRITE : cost.cacheWrite;
  return {
    input: nano(cost.input),
    output: nano(cost.output),
    cacheRead: nano(cost.cacheRead || cost.input),
    cacheWrite5m: nano(cost.cacheWrite || cost.input),
    cacheWrite1h: nano(write1h || cost.input),
  };
}

function exactNames(match: MatchLogic): string[] {
  if ('equals' in match) return [match.equals];
  return 'or' in match ? match.or.flatMap(exactNames) : [];
}

/** Further exact names of the models of a provider; a name that is a model of its own is never an alias. */
function aliasesOf(provider: string, ids: ReadonlySet<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { match } of findProvider({ providerId: provider })?.models ?? []) {
    const names = exactNames(match);
    const own = names.filter((name) => ids.has(name));
    if (own.length === 1) found.set(own[0] as string, names.filter((name) => !ids.has(name)).sort());
  }
  return found;
}

/** The tier of a long context as the second source has it, for a model whose base price both sources agree on. */
function tierOf(provider: string, model: Model): Pick<PriceRow, 'tiers'> {
  const prices =
    calcPrice({ input_tokens: 1, output_tokens: 1 }, model.id, { providerId: provider, timestamp: AS_OF })
      ?.model_price ?? {};
  const input = prices.input_mtok;
  if (typeof input !== 'object' || input.base !== model.cost.input) return {};
  const at = (price: number | TieredPrices | undefined, start: number) =>
    typeof price === 'object' ? (price.tiers.find((tier) => tier.start === start)?.price ?? price.base) : (price ?? 0);
  const tiers = input.tiers.map(({ start }) => ({
    above: start,
    ...rates(
      {
        input: at(input, start),
        output: at(prices.output_mtok, start),
        cacheRead: at(prices.cache_read_mtok, start),
        cacheWrite: at(prices.cache_write_mtok, start),
      },
      provider,
    ),
  }));
  return tiers.length > 0 ? { tiers } : {};
}

async function tableOf(provider: string): Promise<PriceRow[]> {
  const module = (await import(`@earendil-works/pi-ai/providers/${provider}.models`)) as Record<
    string,
    Record<string, Model>
  >;
  const models = Object.values(Object.values(module)[0] ?? {}).filter(
    (model) => model.cost.input > 0 || model.cost.output > 0,
  );
  const aliases = aliasesOf(provider, new Set(models.map((model) => model.id)));
  return models.map((model) => {
    const others = aliases.get(model.id) ?? [];
    return {
      provider,
      id: model.id,
      ...(others.length > 0 ? { aliases: others } : {}),
      ...rates(model.cost, provider),
      ...(model.cost.tiers
        ? { tiers: model.cost.tiers.map((tier) => ({ above: tier.inputTokensAbove, ...rates(tier, provider) })) }
        : tierOf(provider, model)),
      contextWindow: model.contextWindow,
      maxTokens: model.maxTokens,
      ...(model.input.includes('image') ? { images: true } : {}),
    };
  });
}

const demoRow = (id: string, usd: number, contextWindow: number, maxTokens: number): PriceRow => ({
  provider: 'demo',
  id,
  ...rates(
    { input: usd, output: usd * (id === 'demo-small' ? 4 : 5), cacheRead: usd / 10, cacheWrite: usd * 1.25 },
    'anthropic',
  ),
  contextWindow,
  maxTokens,
  images: true,
});

export async function priceRows(): Promise<PriceRow[]> {
  const rows = (await Promise.all(PROVIDERS.map(tableOf))).flat();
  return [...rows, demoRow('demo-small', 1, 200_000, 32_000), demoRow('demo-large', 5, 1_000_000, 64_000)];
}

function textOf(rows: readonly PriceRow[]): string {
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`);
  return `{\n  "unit": "nano-dollars per million tokens",\n  "models": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = new URL('../proxy/prices.json', import.meta.url);
  const rows = await priceRows();
  if (process.argv.includes('--check')) {
    const problems = disagreements(rows);
    if (readFileSync(file, 'utf8') !== textOf(rows))
      problems.push('proxy/prices.json is stale: node scripts/generate-prices.ts');
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    if (problems.length > 0) process.exit(1);
  } else writeFileSync(file, textOf(rows));
}

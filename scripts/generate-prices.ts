/** Makes proxy/prices.json from the model tables of the pi-ai package: exact ids, integer nano-dollars per million tokens. */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface Rates {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

interface Model {
  id: string;
  cost: Rates & { tiers?: (Rates & { inputTokensAbove: number })[] };
  contextWindow: number;
  maxTokens: number;
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

function rates(cost: Rates, provider: string): object {
  const write1h = provider === 'anthropic' ? cost.input * ONE_HOUR_WRITE : cost.cacheWrite;
  return {
    input: nano(cost.input),
    output: nano(cost.output),
    cacheRead: nano(cost.cacheRead),
    cacheWrite5m: nano(cost.cacheWrite || cost.input),
    cacheWrite1h: nano(write1h || cost.input),
  };
}

async function tableOf(provider: string): Promise<object[]> {
  const module = (await import(`@earendil-works/pi-ai/providers/${provider}.models`)) as Record<
    string,
    Record<string, Model>
  >;
  const models = Object.values(Object.values(module)[0] ?? {});
  return models
    .filter((model) => model.cost.input > 0 || model.cost.output > 0)
    .map((model) => ({
      provider,
      id: model.id,
      ...rates(model.cost, provider),
      ...(model.cost.tiers
        ? { tiers: model.cost.tiers.map((tier) => ({ above: tier.inputTokensAbove, ...rates(tier, provider) })) }
        : {}),
      contextWindow: model.contextWindow,
      maxTokens: model.maxTokens,
    }));
}

/** The text of the price table. */
export async function pricesText(): Promise<string> {
  const rows = (await Promise.all(PROVIDERS.map(tableOf))).flat();
  const demo = [
    {
      provider: 'demo',
      id: 'demo-small',
      input: NANO,
      output: 4 * NANO,
      cacheRead: NANO / 10,
      cacheWrite5m: 1_250_000_000,
      cacheWrite1h: 2 * NANO,
      contextWindow: 200_000,
      maxTokens: 32_000,
    },
    {
      provider: 'demo',
      id: 'demo-large',
      input: 5 * NANO,
      output: 25 * NANO,
      cacheRead: NANO / 2,
      cacheWrite5m: 6_250_000_000,
      cacheWrite1h: 10 * NANO,
      contextWindow: 1_000_000,
      maxTokens: 64_000,
    },
  ];
  const lines = [...rows, ...demo].map((row) => `    ${JSON.stringify(row)}`);
  return `{\n  "unit": "nano-dollars per million tokens",\n  "models": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = new URL('../proxy/prices.json', import.meta.url);
  const text = await pricesText();
  if (process.argv.includes('--check')) {
    if (readFileSync(file, 'utf8') !== text) {
      process.stderr.write('proxy/prices.json is stale: node scripts/generate-prices.ts\n');
      process.exit(1);
    }
  } else writeFileSync(file, text);
}

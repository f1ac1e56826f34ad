/** Exact costs. Prices are integer nano-dollars per million tokens; a sum is rounded once, to the nano-dollar. Pure. */
import type { TokenUse } from '../src/costs/schema.ts';
import table from './prices.json' with { type: 'json' };

interface Rates {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
}

export interface Price extends Rates {
  provider: string;
  id: string;
  /** Other rates for a request whose input is longer. */
  tiers?: (Rates & { above: number })[];
  contextWindow: number;
  maxTokens: number;
}

const MILLION = 1_000_000n;
const prices = new Map((table.models as Price[]).map((price) => [`${price.provider}/${price.id}`, price]));

/** Price by exact provider and model id; a similar name is never a price. */
export function priceOf(provider: string, model: string): Price | undefined {
  return prices.get(`${provider}/${model}`);
}

/** Providers whose table has this exact model id. */
export function providersOfModel(model: string): string[] {
  return [...prices.values()].filter((price) => price.id === model).map((price) => price.provider);
}

function ratesFor(price: Price, use: TokenUse): Rates {
  const input = use.input + use.cacheRead + use.cacheWrite5m + use.cacheWrite1h;
  const tiers = [...(price.tiers ?? [])].sort((a, b) => b.above - a.above);
  return tiers.find((tier) => input > tier.above) ?? price;
}

/** Cost in nano-dollars, or null when the price is not known. */
export function costOf(price: Price | undefined, use: TokenUse): number | null {
  if (!price) return null;
  const rates = ratesFor(price, use);
  const total =
    BigInt(use.input) * BigInt(rates.input) +
    BigInt(use.cacheRead) * BigInt(rates.cacheRead) +
    BigInt(use.cacheWrite5m) * BigInt(rates.cacheWrite5m) +
    BigInt(use.cacheWrite1h) * BigInt(rates.cacheWrite1h) +
    BigInt(use.output + use.reasoning) * BigInt(rates.output);
  return Number((total + MILLION / 2n) / MILLION);
}

/** Bytes of a request body that make one token, at the least; an estimate that is too high is the safe one. */
const BYTES_PER_TOKEN = 3.5;

/** The most a request can cost, in nano-dollars; null when the price is not known. */
export function reservationOf(
  price: Price | undefined,
  bodyBytes: number,
  maxTokens: number | undefined,
): number | null {
  if (!price) return null;
  const input = Math.ceil(bodyBytes / BYTES_PER_TOKEN);
  const output = maxTokens ?? price.maxTokens;
  // Whatever is not read from a cache may be written to one, at the dearest rate.
  const dearest = Math.max(price.input, price.cacheWrite5m);
  return costOf({ ...price, input: dearest }, { ...noUse(), input, output });
}

export function noUse(): TokenUse {
  return { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };
}

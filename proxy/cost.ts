/** Exact costs. Prices are integer nano-dollars per million tokens; a sum is rounded once, to the nano-dollar. */
import type { PriceOverride, TokenUse } from '../src/costs/schema.ts';
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
  /** Other exact names of the same model. */
  aliases?: string[];
  /** Other rates for a request whose input is longer. */
  tiers?: (Rates & { above: number })[];
  contextWindow: number;
  maxTokens: number;
  /** True when it reads images. */
  images?: boolean;
}

export interface PriceTable {
  /** Price by exact provider and model id or alias; a similar name is never a price. */
  of(provider: string, model: string): Price | undefined;
  /** Providers that have this exact model. */
  providersOf(model: string): readonly string[];
}

const MILLION = 1_000_000;
const NANO = 1_000_000_000;
/** An override that says nothing of its sizes. */
const UNKNOWN_SIZE = { contextWindow: 200_000, maxTokens: 32_000 };

function overridden(name: string, wanted: PriceOverride, known: Price | undefined): Price {
  const slash = name.indexOf('/');
  const usd = (value: number | undefined) => Math.round((value ?? wanted.input) * NANO);
  const sizes = known ?? UNKNOWN_SIZE;
  return {
    provider: name.slice(0, slash),
    id: name.slice(slash + 1),
    input: usd(wanted.input),
    output: usd(wanted.output),
    cacheRead: usd(wanted.cache_read),
    cacheWrite5m: usd(wanted.cache_write_5m),
    cacheWrite1h: usd(wanted.cache_write_1h ?? wanted.cache_write_5m),
    contextWindow: wanted.context_window ?? sizes.contextWindow,
    maxTokens: wanted.max_tokens ?? sizes.maxTokens,
    ...(known?.images ? { images: true } : {}),
  };
}

/** The built-in table with the user's own prices (by `provider/model`) above it. */
export function createPriceTable(overrides: Readonly<Record<string, PriceOverride>> = {}): PriceTable {
  const prices = new Map<string, Price>();
  const providers = new Map<string, string[]>();
  function put(name: string, price: Price): void {
    if (!prices.has(name)) {
      const model = name.slice(name.indexOf('/') + 1);
      providers.set(model, [...(providers.get(model) ?? []), price.provider]);
    }
    prices.set(name, price);
  }
  for (const price of table.models as Price[]) {
    for (const id of [price.id, ...(price.aliases ?? [])]) put(`${price.provider}/${id}`, price);
  }
  for (const [name, wanted] of Object.entries(overrides)) put(name, overridden(name, wanted, prices.get(name)));
  return {
    of: (provider, model) => prices.get(`${provider}/${model}`),
    providersOf: (model) => providers.get(model) ?? [],
  };
}

function ratesFor(price: Price, use: TokenUse): Rates {
  const input = use.input + use.cacheRead + use.cacheWrite5m + use.cacheWrite1h;
  let rates: Rates = price;
  let above = -1;
  for (const tier of price.tiers ?? []) {
    if (input <= tier.above || tier.above <= above) continue;
    rates = tier;
    above = tier.above;
  }
  return rates;
}

/** Rounds the sum of tokens times rates to nano-dollars. Sums of everyday size are exact as numbers, larger ones need more digits. */
function rounded(rates: Rates, use: TokenUse): number {
  const written = use.cacheWrite5m * rates.cacheWrite5m + use.cacheWrite1h * rates.cacheWrite1h;
  const read = use.input * rates.input + use.cacheRead * rates.cacheRead;
  const sum = read + written + (use.output + use.reasoning) * rates.output + MILLION / 2;
  if (sum <= Number.MAX_SAFE_INTEGER) return (sum - (sum % MILLION)) / MILLION;
  const total =
    BigInt(use.input) * BigInt(rates.input) +
    BigInt(use.cacheRead) * BigInt(rates.cacheRead) +
    BigInt(use.cacheWrite5m) * BigInt(rates.cacheWrite5m) +
    BigInt(use.cacheWrite1h) * BigInt(rates.cacheWrite1h) +
    BigInt(use.output + use.reasoning) * BigInt(rates.output);
  return Number((total + BigInt(MILLION / 2)) / BigInt(MILLION));
}

/** Cost in nano-dollars, or null when the price is not known. */
export function costOf(price: Price | undefined, use: TokenUse): number | null {
  if (!price) return null;
  return rounded(ratesFor(price, use), use);
}

/** Text has at least this many bytes a token, but for rare scripts; what a provider adds of its own is counted too. */
const BYTES_PER_TOKEN = 3;
const ADDED_TOKENS = 400;

/** An upper estimate of the tokens in a request body. */
export const inputEstimate = (bodyBytes: number) => Math.ceil(bodyBytes / BYTES_PER_TOKEN) + ADDED_TOKENS;

/** The most a request can cost, in nano-dollars; null when the price is not known. */
export function reservationOf(
  price: Price | undefined,
  request: { bodyBytes: number; maxTokens: number | undefined; longCache?: () => boolean },
): number | null {
  if (!price) return null;
  const use = { ...noUse(), input: inputEstimate(request.bodyBytes), output: request.maxTokens ?? price.maxTokens };
  const rates = ratesFor(price, use);
  // Whatever is not read from a cache may be written to one, at the dearest rate.
  const usual = Math.max(rates.input, rates.cacheRead, rates.cacheWrite5m);
  const dearest = rates.cacheWrite1h > usual && request.longCache?.() ? rates.cacheWrite1h : usual;
  const { output, cacheRead, cacheWrite5m, cacheWrite1h } = rates;
  return rounded({ input: dearest, output, cacheRead, cacheWrite5m, cacheWrite1h }, use);
}

export function noUse(): TokenUse {
  return { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 };
}

export const sumOf = (use: TokenUse): number =>
  use.input + use.cacheRead + use.cacheWrite5m + use.cacheWrite1h + use.output + use.reasoning;

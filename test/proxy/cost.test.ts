/** Prices are exact to the nano-dollar, found by exact name only, and agree with a second source. */
import { describe, expect, test } from 'vitest';
import { costOf, createPriceTable, noUse, reservationOf } from '../../proxy/cost.ts';
import { priceRows } from '../../scripts/generate-prices.ts';
import { disagreements, KNOWN } from '../../scripts/price-oracle.ts';

const prices = createPriceTable();

describe('names', () => {
  test('an exact id or alias has a price, a similar name has none', () => {
    expect(prices.of('anthropic', 'claude-sonnet-5')?.input).toBe(2_000_000_000);
    expect(prices.of('anthropic', 'claude-sonnet-5-5')).toBeUndefined();
    expect(prices.of('anthropic', 'claude-sonnet')).toBeUndefined();
    expect(costOf(undefined, { ...noUse(), input: 10 })).toBeNull();
  });
  test('an alias is the same model', async () => {
    const row = (await priceRows()).find((each) => each.aliases !== undefined);
    const [alias = ''] = row?.aliases ?? [];
    expect(prices.of(row?.provider ?? '', alias)?.id).toBe(row?.id);
    expect(prices.providersOf(alias)).toContain(row?.provider);
  });
  test('a price of the user stands above the table, and makes a model known', () => {
    const own = createPriceTable({
      'anthropic/claude-sonnet-5': { input: 1.5, output: 7 },
      'local/llama': { input: 0, output: 0 },
    });
    expect(costOf(own.of('anthropic', 'claude-sonnet-5'), { ...noUse(), input: 1_000_001, output: 3 })).toBe(
      1_500_001_500 + 21_000,
    );
    // Zero because somebody said so, not because nobody knew.
    expect(costOf(own.of('local', 'llama'), { ...noUse(), input: 5 })).toBe(0);
    expect(own.of('anthropic', 'claude-sonnet-5')?.contextWindow).toBe(1_000_000);
  });
});

describe('sums', () => {
  test('every kind of token has its own rate, rounded once', () => {
    const price = prices.of('anthropic', 'claude-sonnet-5');
    const use = { input: 1, cacheRead: 1, cacheWrite5m: 1, cacheWrite1h: 1, output: 1, reasoning: 1 };
    // 2 + 0.2 + 2.5 + 4 + 10 + 10 dollars a million tokens.
    expect(costOf(price, use)).toBe(28_700);
  });
  test('a long input is priced at its tier, cached parts counted', () => {
    const price = prices.of('openai', 'gpt-5.4');
    expect(costOf(price, { ...noUse(), input: 272_000 })).toBe(272_000 * 2_500);
    expect(costOf(price, { ...noUse(), input: 272_001 })).toBe(272_001 * 5_000);
    expect(costOf(price, { ...noUse(), input: 1, cacheRead: 272_000 })).toBe(5_000 + 272_000 * 500);
  });
  test('the largest counts stay exact', () => {
    const price = prices.of('anthropic', 'claude-fable-5');
    expect(costOf(price, { ...noUse(), output: 9_007_199 })).toBe(9_007_199 * 50_000);
  });
  test('a reservation is never below what a request of that size can cost', () => {
    const price = prices.of('anthropic', 'claude-sonnet-5');
    for (const bytes of [0, 300, 30_000, 3_000_000]) {
      const most = costOf(price, { ...noUse(), cacheWrite5m: Math.floor(bytes / 3), output: 100 }) ?? 0;
      expect(reservationOf(price, { bodyBytes: bytes, maxTokens: 100 })).toBeGreaterThanOrEqual(most);
    }
    const long = reservationOf(price, { bodyBytes: 3_000, maxTokens: 0, longCache: () => true }) ?? 0;
    expect(long).toBeGreaterThanOrEqual(costOf(price, { ...noUse(), cacheWrite1h: 1_000 }) ?? 0);
  });
});

describe('second source', () => {
  test('every price agrees, but for the known disagreements, and those still differ', async () => {
    expect(disagreements(await priceRows())).toEqual([]);
    expect(Object.values(KNOWN).every((reason) => reason.length > 10)).toBe(true);
  });
  test('a planted error is found', async () => {
    const rows = (await priceRows()).map((row) =>
      row.id === 'claude-opus-4-5' ? { ...row, cacheRead: row.cacheRead * 2 } : row,
    );
    expect(disagreements(rows)).toHaveLength(1);
  });
});

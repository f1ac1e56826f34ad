/** Which targets serve a request: names, aliases, fallbacks, needs, price, weights; and what clients may ask for. */
import { describe, expect, test } from 'vitest';
import { createPriceTable } from '../../proxy/cost.ts';
import { readOptions } from '../../proxy/request-options.ts';
import { candidatesFor, isModelAllowed, nameOf, type Rules, type Wish, weighted } from '../../proxy/routing.ts';
import { routeOf } from '../../proxy/wire/routes.ts';
import { scanFields } from '../../proxy/wire/scan.ts';
import { type Policy, policySchema } from '../../src/costs/schema.ts';
import { providerAt } from '../support/proxy-rig.ts';

const providers = [
  providerAt('anthropic', 'http://127.0.0.1:1'),
  providerAt('second', 'http://127.0.0.1:2', { models: ['claude-sonnet-5', 'own'] }),
  providerAt('demo', 'http://127.0.0.1:3', { models: ['demo-small', 'demo-large'] }),
];
const rules = (policy: Partial<Policy> = {}): Rules => {
  const parsed = policySchema.parse({ providers, ...policy });
  return { policy: parsed, prices: createPriceTable(parsed.prices) };
};
const route = routeOf('POST', '/v1/messages', []);
if (!route) throw new Error('no route');
const wish = (model: string, more: Partial<Wish> = {}): Wish => ({
  model,
  route,
  needs: { tools: false, images: false },
  inputTokens: 1_000,
  who: 'agent-1',
  fallback: true,
  ...more,
});
const names = (policy: Partial<Policy>, ...args: Parameters<typeof wish>) =>
  candidatesFor(rules(policy), wish(...args)).map(nameOf);
const alias = (use: string[], more: object = {}) => ({ choose: 'order' as const, weights: [], use, ...more });

describe('names', () => {
  test('a provider that is named is meant; an exact id is served by all that have it; nothing is guessed', () => {
    expect(names({}, 'second/claude-sonnet-5')).toEqual(['second/claude-sonnet-5']);
    expect(names({}, 'claude-sonnet-5')).toEqual(['anthropic/claude-sonnet-5', 'second/claude-sonnet-5']);
    expect(names({}, 'claude-sonnet')).toEqual([]);
    expect(names({}, 'constructor')).toEqual([]);
  });
  test('an alias stands for its targets in order, also through another alias, and a circle ends', () => {
    const aliases = {
      fast: alias(['demo/demo-small', 'own']),
      any: alias(['fast', 'demo/demo-large']),
      loop: alias(['loop', 'any']),
    };
    expect(names({ aliases }, 'any')).toEqual(['demo/demo-small', 'second/own', 'demo/demo-large']);
    expect(names({ aliases }, 'loop')).toEqual(['demo/demo-small', 'second/own', 'demo/demo-large']);
  });
  test('fallbacks come last and once, by any name of the model; they can be declined', () => {
    const fallbacks = { 'anthropic/claude-sonnet-5': ['demo/demo-large', 'second/claude-sonnet-5'] };
    expect(names({ fallbacks }, 'anthropic/claude-sonnet-5')).toEqual([
      'anthropic/claude-sonnet-5',
      'demo/demo-large',
      'second/claude-sonnet-5',
    ]);
    expect(names({ fallbacks }, 'claude-sonnet-5', { fallback: false })).toEqual(['anthropic/claude-sonnet-5']);
  });
});

describe('choice', () => {
  test('the cheapest target comes first, one without a price last', () => {
    const aliases = { cheap: alias(['own', 'demo/demo-large', 'demo/demo-small'], { choose: 'cheapest' }) };
    expect(names({ aliases }, 'cheap')).toEqual(['demo/demo-small', 'demo/demo-large', 'second/own']);
  });
  test('what a model cannot do it is not asked for, unless none can', () => {
    const aliases = { mixed: alias(['demo/demo-small', 'demo/demo-large']) };
    expect(names({ aliases }, 'mixed', { inputTokens: 500_000 })).toEqual(['demo/demo-large']);
    expect(names({ aliases }, 'mixed', { inputTokens: 5_000_000 })).toHaveLength(2);
    const prices = { 'second/own': { input: 1, output: 1 } };
    const eyes = { see: alias(['own', 'demo/demo-small']) };
    expect(names({ aliases: eyes, prices }, 'see', { needs: { tools: true, images: true } })).toEqual([
      'demo/demo-small',
    ]);
  });
  test('weights hold over many agents, and each agent keeps its choice', () => {
    const aliases = { even: alias(['demo/demo-small', 'demo/demo-large'], { choose: 'weighted', weights: [3, 1] }) };
    const firsts = Array.from(
      { length: 2_000 },
      (_, index) => names({ aliases }, 'even', { who: `agent-${index}` })[0],
    );
    const share = firsts.filter((name) => name === 'demo/demo-small').length / firsts.length;
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.8);
    expect(names({ aliases }, 'even', { who: 'agent-9' })[0]).toBe(firsts[9]);
  });
  test('a choice that goes away moves only those that had it', () => {
    const before = Array.from({ length: 200 }, (_, who) => weighted(['a', 'b', 'c'], String, [], `${who}`)[0]);
    const after = Array.from({ length: 200 }, (_, who) => weighted(['a', 'b'], String, [], `${who}`)[0]);
    expect(after.every((each, index) => before[index] === 'c' || each === before[index])).toBe(true);
  });
});

test('a key may ask only for its models, by any of their names', () => {
  const [target] = candidatesFor(rules(), wish('demo/demo-small'));
  if (!target) throw new Error('no target');
  expect(isModelAllowed(undefined, 'x', target)).toBe(true);
  expect(isModelAllowed(['demo-small'], 'demo/demo-small', target)).toBe(true);
  expect(isModelAllowed(['demo/*'], 'fast', target)).toBe(true);
  expect(isModelAllowed(['fast'], 'fast', target)).toBe(true);
  expect(isModelAllowed(['demo-large'], 'demo-small', target)).toBe(false);
});

describe('options of a request', () => {
  const read = (body: string, headers: string[] = []) => {
    const result = readOptions(headers, Buffer.from(body), scanFields(Buffer.from(body), ['routing']).get('routing'));
    return { ...result.options, body: result.body.toString() };
  };
  test('the field routing is read and taken out, wherever it stands', () => {
    const options = { fallback: false, costLimitNano: 50_000_000 };
    const routing = '"routing": {"fallback_allowed":false,"cost_limit":0.05}';
    expect(read(`{"model":"m", ${routing}}`)).toEqual({ ...options, body: '{"model":"m"}' });
    expect(read(`{${routing} , "model":"m"}`)).toEqual({ ...options, body: '{ "model":"m"}' });
    expect(read(`{"a":1,${routing},"model":"m"}`)).toEqual({ ...options, body: '{"a":1,"model":"m"}' });
    expect(read(`{${routing}}`).body).toBe('{}');
  });
  test('a field of that name deeper down, or in a text, is left alone', () => {
    const body = '{"model":"m","tools":[{"routing":{"cost_limit":1}}],"x":"\\"routing\\":1"}';
    expect(read(body)).toEqual({ fallback: true, costLimitNano: undefined, body });
  });
  test('headers say the same', () => {
    const headers = ['x-godel-fallback', 'off', 'x-godel-cost-limit', '0.5'];
    expect(read('{}', headers)).toMatchObject({ fallback: false, costLimitNano: 500_000_000 });
  });
});

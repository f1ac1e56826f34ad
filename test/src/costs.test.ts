/** Times, tables and policies of money: pure parts. */
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../src/config.ts';
import { momentAhead, momentOf } from '../../src/costs/period.ts';
import { policyOf } from '../../src/costs/policy.ts';
import { keyVariables, providersOf } from '../../src/costs/providers.ts';
import { policySchema } from '../../src/costs/schema.ts';
import { bar, csv, usd } from '../../src/costs/text.ts';
import { createProviderSource } from '../../src/daemon/provider-source.ts';

const now = Date.parse('2026-11-27T10:30:00Z');

describe('times', () => {
  test('are read in the words of people', () => {
    expect(momentOf('today', now)).toBe('2026-11-27T00:00:00.000Z');
    expect(momentOf('month', now)).toBe('2026-11-01T00:00:00.000Z');
    expect(momentOf('90m', now)).toBe('2026-11-27T09:00:00.000Z');
    expect(momentOf('7d', now)).toBe('2026-11-20T10:30:00.000Z');
    expect(momentOf('2026-11-20', now)).toBe('2026-11-20T00:00:00.000Z');
    expect(() => momentOf('yesterday', now)).toThrow(/no time/);
    expect(momentAhead('30d', now)).toBe('2026-12-27T10:30:00.000Z');
    expect(() => momentAhead('2026-11-20', now)).toThrow(/over already/);
  });
});

describe('text', () => {
  test('small sums keep their digits', () => {
    expect([0, 1_500, 999_999_999, 1_234_000_000].map(usd)).toEqual(['$0', '$0.000002', '$1.000000', '$1.23']);
    expect([-5, 0, 50, 100, 250].map((percent) => bar(percent, 4))).toEqual(['░░░░', '░░░░', '██░░', '████', '████']);
  });
  test('CSV keeps every column and cannot become a formula', () => {
    const rows = [
      { a: 'x,"y"', b: 1 },
      { a: '=cmd()', c: null, b: -3 },
    ];
    expect(csv(rows)).toBe('a,b,c\r\n"x,""y""",1,\r\n\'=cmd(),-3,');
  });
});

describe('policy', () => {
  const config = (values: object) => configSchema.parse(values);
  const source = (keys: Record<string, string>, secrets: Record<string, string[]> = {}) =>
    createProviderSource({ env: {}, keys, secrets: (id) => secrets[id] ?? [] });

  test('a provider has its secrets and its variable as keys, each once, shown by fingerprint', () => {
    const known = source({ ANTHROPIC_API_KEY: 'sk-env' }, { anthropic: ['sk-one', 'sk-env'], openai: ['sk-two'] });
    const providers = providersOf(config({}), known);
    expect(providers.map(({ id }) => id)).toEqual(['anthropic', 'openai', 'demo']);
    expect(providers[0]?.keys.map(({ value }) => value)).toEqual(['sk-one', 'sk-env']);
    expect(providers[0]?.keys[0]?.id).toMatch(/^[0-9a-f]{8}$/);
  });

  test('a configured provider takes its own variable, or the secret of its name', () => {
    const values = {
      providers: { router: { dialect: 'openai', base_url: 'http://127.0.0.1:9/v1', api_key_env: 'MY_KEY' } },
    };
    expect(keyVariables(config(values))).toContain('MY_KEY');
    const [router] = providersOf(config(values), source({ MY_KEY: 'sk-mine' }, { router: ['sk-secret'] }));
    expect(router?.keys.map(({ value }) => value)).toEqual(['sk-secret', 'sk-mine']);
  });

  test('tiers lead to real providers, and to the scripted one only when it is alone', () => {
    expect(policyOf(config({}), source({})).aliases.fast?.use).toEqual(['demo/demo-small']);
    const policy = policyOf(
      config({ model_aliases: { fast: ['openai/gpt-5.4-nano'] } }),
      source({ OPENAI_API_KEY: 'k' }),
    );
    expect(policy.aliases.fast?.use).toEqual(['openai/gpt-5.4-nano']);
    expect(policy.aliases.smart?.use).toEqual(['openai/gpt-5.4']);
  });

  test('an agent is limited when nothing is configured, and a limit can be raised alone', () => {
    const limits = policyOf(config({ limits: { agent: { requests_per_minute: 7 } } }), source({})).limits;
    expect(limits.agent).toMatchObject({ requests_per_minute: 7, requests_per_day: 5_000 });
    expect(limits.project).toEqual({});
    expect(configSchema.safeParse({ limits: { agent: { requests_per_second: 1 } } }).success).toBe(false);
  });

  test('what the daemon sends is what the proxy takes', () => {
    const policy = policyOf(config({}), source({ ANTHROPIC_API_KEY: 'sk-env' }));
    expect(policySchema.parse(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
  });
});

/**
 * Prompts of up to 4 KB reach programs byte by byte and once each, while they draw their screens again and again: typed
 * into a face, and over a protocol. A hundred by default, 10,000 with `./scripts/test --soak`.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHome, type TestHome } from '../support/home.ts';
import { deliver, fakeClaudeIn } from '../support/prompt-load.ts';
import { seeded } from '../support/random.ts';

const AGENTS = process.env.GODEL_TEST_SOAK ? 20 : 2;
const PROMPTS = process.env.GODEL_TEST_SOAK ? 250 : 25;
const LIMIT_MS = PROMPTS * 8_000;

let home: TestHome;
beforeAll(async () => {
  const bin = await fakeClaudeIn(await mkdtemp(join(tmpdir(), 'stand-in-')));
  home = await createHome({ PATH: [bin, process.env.PATH].join(delimiter) });
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

test.each([
  ['face', false],
  ['protocol', true],
])(`${AGENTS * PROMPTS} by the %s`, { timeout: LIMIT_MS }, async (name, headless) => {
  const { client, paths } = home;
  const load = { client: client(), agentsDir: paths.agentsDir, name, headless, agents: AGENTS, prompts: PROMPTS };
  const sent = AGENTS * PROMPTS;
  expect(await deliver({ ...load, random: seeded(11) })).toEqual({
    sent,
    exact: sent,
    lost: 0,
    twice: 0,
    mangled: 0,
    disordered: 0,
    dead: 0,
  });
});

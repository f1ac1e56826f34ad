/** Programs over their protocol: a second life of an agent knows the conversation of the first, and its model is told all of it. */
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { SessionTurn } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const LIMIT_MS = 120_000;

async function rests({ json }: TestHome, said: string): Promise<Agent> {
  const hasSaid = async () =>
    (await json<{ turns: SessionTurn[] }>('session', 'tree', 'speaker')).turns.some(({ text }) => text === said);
  await until(`it said ${said}`, hasSaid, LIMIT_MS);
  return until(
    'it is idle',
    async () => {
      const agent = await json<Agent>('agent', 'show', 'speaker');
      return agent.observed.state === 'idle' && agent;
    },
    LIMIT_MS,
  );
}

/** The newest request of the agent, as the provider got it. */
async function newestRequest({ json }: TestHome): Promise<string> {
  const { items } = await json<{ items: { requestId: string }[] }>('recording', 'list', '--agent', 'speaker');
  return JSON.stringify(await json('recording', 'show', items[0]?.requestId ?? ''));
}

test.for(['gemini', 'opencode'] as const)('%s', { timeout: 300_000 }, async (runtime, context) => {
  const path = await pathWith(runtime);
  if (path === undefined) return context.skip();
  home = await createHome({ PATH: path });
  const { json } = home;
  await json('config', 'set', 'provider', 'demo');
  await json('config', 'set', 'record_bodies', 'true');
  await json('config', 'set', 'agent_permission', 'all');
  const words = ['--runtime', runtime, '--name', 'speaker', '--headless'];
  await json('agent', 'spawn', script('bash: echo kept > a.txt', 'say: the word is heron'), ...words);
  const first = await rests(home, 'the word is heron');
  // At once, and once more: what a life leaves behind is not in the way of the next.
  for (const life of [1, 2]) {
    await json('agent', 'restart', 'speaker');
    await json('agent', 'send', 'speaker', script(`say: I am back ${life}`), '--wait', '90');
    const later = await rests(home, `I am back ${life}`);
    expect(later).toMatchObject({ sessionId: first.sessionId, generation: first.generation + life });
    expect(await newestRequest(home)).toContain('the word is heron');
  }
  const { turns } = await json<{ turns: SessionTurn[] }>('session', 'tree', 'speaker');
  const said = turns.filter(({ role, text }) => role === 'assistant' && text !== '').map(({ text }) => text);
  expect(said).toEqual(['the word is heron', 'I am back 1', 'I am back 2']);
});

/** Conversations of real programs: followed, read from their own files, searched and written out. */
import { delimiter } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Recording } from '../../src/recordings/schema.ts';
import type { Session, SessionTurn, SessionView } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const LIMIT_MS = 120_000;

async function idle({ json }: TestHome, name: string): Promise<void> {
  const look = async () => (await json<Agent>('agent', 'show', name)).observed.state === 'idle';
  await until(`${name} idle`, look, LIMIT_MS);
}

/** The conversation of an agent once it has these words. */
function told({ json }: TestHome, name: string, words: string) {
  const look = async () => {
    const tree = await json<{ turns: SessionTurn[]; source: string }>('session', 'tree', name);
    return tree.turns.some((turn) => turn.role === 'assistant' && turn.text.includes(words)) && tree;
  };
  return until(`${name} says ${words}`, look, LIMIT_MS);
}

test('Pi, Claude Code and Codex: every conversation is a tree of turns, read from the file the program wrote', {
  timeout: 300_000,
}, async (context) => {
  const found = await Promise.all((['claude', 'codex'] as const).map(pathWith));
  if (found.includes(undefined)) return context.skip();
  home = await createHome({ PATH: [...new Set(found.join(delimiter).split(delimiter))].join(delimiter) });
  const { json, godel } = home;
  await json('config', 'set', 'provider', 'demo');
  const programs = [
    { name: 'pilot', runtime: 'pi', words: [] },
    { name: 'clerk', runtime: 'claude', words: ['--headless'] },
    { name: 'coder', runtime: 'codex', words: ['--headless'] },
  ];
  for (const { name, runtime, words } of programs) {
    const work = script('bash: echo one > a.txt; ls', `say: ${name} wrote a file`);
    const bead = await json<Bead>('bead', 'create', `Work of ${name}`, '--description', work);
    await json('agent', 'spawn', '--bead', bead.id, '--name', name, '--runtime', runtime, ...words);
  }
  for (const { name, runtime } of programs) {
    const { turns, source } = await told(home, name, `${name} wrote a file`);
    expect(source).toBe('runtime');
    expect(turns.map((turn) => turn.role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
    const [user, asked, result, last] = turns as [SessionTurn, SessionTurn, SessionTurn, SessionTurn];
    expect(user).toMatchObject({ parent: null, text: expect.stringContaining(`Title: Work of ${name}`) });
    expect(JSON.stringify(asked.calls[0]?.input)).toContain('echo one > a.txt; ls');
    expect(result).toMatchObject({
      parent: asked.id,
      callId: asked.calls[0]?.id,
      text: expect.stringContaining('a.txt'),
    });
    expect(last.parent).toBe(result.id);
    expect(Date.parse(last.at as string)).toBeGreaterThan(0);
    await idle(home, name);
    const shown = await json<SessionView>('session', 'show', name);
    expect(shown).toMatchObject({
      agentName: name,
      runtime,
      status: 'active',
      origin: 'start',
      turns: 4,
      turn: last.id,
    });
  }
  const hits = await json<{ items: { agentName: string }[]; complete: boolean }>('session', 'search', 'WROTE a file');
  expect(hits.complete).toBe(true);
  // Each said it, and was asked to in its bead.
  expect([...new Set(hits.items.map((hit) => hit.agentName))].toSorted()).toEqual(['clerk', 'coder', 'pilot']);

  const printed = await godel(['session', 'export', 'pilot']);
  expect(printed.stdout).toMatch(
    /^# Conversation of pilot\n[\s\S]*## Assistant, .*\n\n\*\*bash\*\*[\s\S]*pilot wrote a file\n/,
  );
  const lines = await godel(['session', 'export', 'clerk', '--format', 'jsonl']);
  expect(lines.stdout.trim().split('\n')).toHaveLength(4);
  const native = await godel(['session', 'export', 'coder', '--format', 'native']);
  expect(native.stdout).toContain('"type":"session_meta"');

  // The session goes on through a restart, and ends with its agent.
  const before = await json<Session>('session', 'show', 'pilot');
  await json('agent', 'restart', 'pilot');
  await idle(home, 'pilot');
  expect(await json<Session>('session', 'show', 'pilot')).toMatchObject({ id: before.id, status: 'active' });
  for (const { name } of programs) await json('agent', 'stop', name);
  const { items } = await json<{ items: Session[] }>('session', 'list');
  expect(items.map((session) => session.status)).toEqual(['completed', 'completed', 'completed']);
  const missing = await godel(['session', 'show', 'nobody']);
  expect(missing.code).toBe(3);
});

test('a program without a file of its own: the recording of the proxy is the conversation', async () => {
  home = await createHome();
  const { json, godel } = home;
  await json('config', 'set', 'provider', 'demo');
  await json('agent', 'spawn', '--name', 'silent', '--command', 'sleep 1000');
  const tree = await godel(['session', 'tree', 'silent']);
  expect(tree.stdout).toContain('record_bodies true');
  await json('config', 'set', 'record_bodies', 'true');
  const ask = `curl -s "$ANTHROPIC_BASE_URL/v1/messages" -H "x-api-key: $ANTHROPIC_AUTH_TOKEN" -H "content-type: application/json" -d '{"model":"demo/demo-small","max_tokens":99,"messages":[{"role":"user","content":"Are you there?"}]}'; sleep 1000`;
  await json('agent', 'spawn', '--name', 'caller', '--command', ask);
  const { turns, source } = await told(home, 'caller', 'You said: Are you there?');
  expect(source).toBe('recording');
  expect(turns.map((turn) => turn.role)).toEqual(['user', 'assistant']);
  // The same through the commands of recordings: the list, the bytes of both ways, the tree.
  const { items } = await json<{ items: Recording[] }>('recording', 'list', '--agent', 'caller');
  expect(items).toMatchObject([{ agentName: 'caller', provider: 'demo', model: 'demo-small', outcome: 'ok' }]);
  expect((await godel(['recording', 'list'])).stdout).toContain('demo/demo-small');
  const shown = await godel(['recording', 'show', items[0]?.requestId ?? '']);
  expect(shown.stdout).toContain('"content":"Are you there?"');
  expect(shown.stdout).toContain('You said: Are you there?');
  expect((await godel(['recording', 'tree', '--agent', 'caller'])).stdout).toMatch(
    / user: Are you there\?\n.* assistant: You said: Are you there\?/,
  );
  expect((await godel(['recording', 'list', '--agent', 'silent'])).stdout).toContain('Nothing is recorded');
  expect((await godel(['recording', 'show', 'nonsense'])).code).toBe(3);
});

test('Gemini CLI and opencode: their own files are read too', { timeout: 400_000 }, async (context) => {
  const found = await Promise.all((['gemini', 'opencode'] as const).map(pathWith));
  if (found.includes(undefined)) return context.skip();
  home = await createHome({ PATH: [...new Set(found.join(delimiter).split(delimiter))].join(delimiter) });
  const { json } = home;
  await json('config', 'set', 'provider', 'demo');
  await json('config', 'set', 'agent_permission', 'all');
  for (const runtime of ['gemini', 'opencode']) {
    const work = script('bash: echo one > a.txt; ls', `say: ${runtime} wrote a file`);
    const bead = await json<Bead>('bead', 'create', `Work of ${runtime}`, '--description', work);
    await json('agent', 'spawn', '--bead', bead.id, '--name', runtime, '--runtime', runtime, '--headless');
    const { turns, source } = await told(home, runtime, `${runtime} wrote a file`);
    expect(source).toBe('runtime');
    expect(turns.map((turn) => turn.role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
    const [user, asked, result] = turns as [SessionTurn, SessionTurn, SessionTurn];
    expect(user.text).toContain(`Title: Work of ${runtime}`);
    expect(asked.calls[0]?.input).toMatchObject({ command: 'echo one > a.txt; ls' });
    expect(result).toMatchObject({ parent: asked.id, callId: asked.calls[0]?.id, failed: false });
    expect(result.text).toContain('a.txt');
    await json('agent', 'stop', runtime);
  }
});

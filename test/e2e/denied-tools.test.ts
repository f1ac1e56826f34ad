/**
 * What a role takes away is away, in the pane and over the protocol of real programs, with every question answered beforehand:
 * the model is not offered it, and what it asks for all the same does nothing.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import type { SessionTurn } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const LIMIT_MS = 120_000;
const ASKER = ['--name', 'asker', '--runtime', 'codex', '--role', 'runner', '--headless'];
const MODES = { pane: [], headless: ['--headless'] } as const;

async function ready(...programs: ('claude' | 'codex')[]): Promise<TestHome | undefined> {
  const paths = await Promise.all(programs.map((id) => pathWith(id)));
  if (paths.includes(undefined)) return undefined;
  home = await createHome(programs.length > 0 ? { PATH: paths.join(delimiter) } : {});
  await home.json('config', 'set', 'provider', 'demo');
  // Nothing is asked: what stands in the way is the role alone.
  await home.json('config', 'set', 'agent_permission', 'all');
  await home.json('config', 'set', 'record_bodies', 'true');
  return home;
}

/** Names of the tools in the requests of an agent. */
async function offered({ json }: TestHome, name: string): Promise<string[]> {
  const { items } = await json<{ items: { requestId: string }[] }>('recording', 'list', '--agent', name);
  const names = new Set<string>();
  for (const { requestId } of items) {
    const { tools } = await json<{ tools: string[] }>('recording', 'show', requestId);
    for (const tool of tools) names.add(tool);
  }
  return [...names]
    .filter((each) => !/godel|^(ready|claim|show|note|create|todo_write|message|ask|done)$/.test(each))
    .sort();
}

/** Lets an agent try every step in a turn of its own, and resolves when the last is over. */
async function tries(from: TestHome, name: string, steps: readonly string[], ...flags: string[]): Promise<void> {
  await from.json('agent', 'spawn', script('say: here'), '--name', name, ...flags);
  for (const [index, step] of steps.entries()) {
    await from.client().call('agentSend', { id: name, text: script(step, `say: tried ${index}`), wait: 60 });
    await until(
      `${name} is at rest after ${step}`,
      async () => (await from.json<Agent>('agent', 'show', name)).observed.state === 'idle',
      LIMIT_MS,
    );
  }
  const { turns } = await from.json<{ turns: SessionTurn[] }>('session', 'tree', name);
  expect(turns.filter(({ role }) => role === 'assistant').length, name).toBeGreaterThanOrEqual(steps.length);
}

/** What must not be offered to one that may only read. */
const FORBIDDEN =
  /bash|shell|exec|monitor|write_stdin|^(edit|multiedit|write|notebookedit|apply_patch|enterworktree)$|web/i;

async function mayOnlyRead(it: TestHome, runtime: string): Promise<void> {
  for (const [mode, flags] of Object.entries(MODES)) {
    const [free, reader] = [`${runtime}-free-${mode}`, `${runtime}-reader-${mode}`];
    await tries(it, free, [`bash: touch ${free}.txt`], '--runtime', runtime, ...flags);
    expect(existsSync(join(it.repository, `${free}.txt`)), `${free} may`).toBe(true);
    expect((await offered(it, free)).filter((name) => FORBIDDEN.test(name)).length, free).toBeGreaterThan(0);
    await it.json('agent', 'stop', free);

    const steps = [`bash: touch ${reader}.txt`, `write: ${reader}.txt <<< "mine"`];
    await tries(it, reader, steps, '--runtime', runtime, '--role', 'reader', ...flags);
    expect(
      (await offered(it, reader)).filter((name) => FORBIDDEN.test(name)),
      reader,
    ).toEqual([]);
    expect(existsSync(join(it.repository, `${reader}.txt`)), `${reader} may not`).toBe(false);
    await it.json('agent', 'stop', reader);
  }
}

test.for(['pi', 'claude', 'codex'] as const)(
  'a reader on %s has neither shell nor edits',
  {
    timeout: 600_000,
  },
  async (runtime, context) => {
    const it = await ready(...(runtime === 'pi' ? [] : [runtime]));
    if (!it) return context.skip();
    await it.json('role', 'create', 'reader', '--from', 'worker', '--tool', 'read');
    await mayOnlyRead(it, runtime);
  },
);

/** What its tools gave back, as one text. */
async function toldBack(from: TestHome, name: string): Promise<string> {
  const { turns } = await from.json<{ turns: SessionTurn[] }>('session', 'tree', name);
  return turns
    .filter(({ role }) => role === 'tool')
    .map(({ text }) => text)
    .join('\n');
}

test('Codex with the shell and without edits reads by its shell, and nothing it runs writes', {
  timeout: 600_000,
}, async (context) => {
  const it = await ready('codex');
  if (!it) return context.skip();
  await it.json('role', 'create', 'runner', '--from', 'worker', '--tool', 'read', '--tool', 'shell');
  for (const [mode, flags] of Object.entries(MODES)) {
    const name = `runner-${mode}`;
    const outside = join(it.folder, name);
    const steps = [
      'bash: cat README.md',
      `bash: touch ${name}.txt`,
      `bash: touch .git/${name}`,
      `bash: touch '${outside}'`,
      `write: ${name}.txt <<< "mine"`,
      // Its sandbox lets it speak with nobody: that is said at once, not after a minute of waiting.
      'bash: godel ready',
    ];
    await tries(it, name, steps, '--runtime', 'codex', '--role', 'runner', ...flags);
    const told = await toldBack(it, name);
    expect(told, name).toContain('# Test');
    expect(told.match(/Read-only file system/g), name).toHaveLength(4);
    expect(told, name).toContain('may not speak with the daemon');
    const tools = await offered(it, name);
    expect(tools, name).toContain('exec_command');
    expect(tools, name).not.toContain('apply_patch');
    for (const file of [join(it.repository, `${name}.txt`), join(it.repository, '.git', name), outside])
      expect(existsSync(file), file).toBe(false);
    await it.json('agent', 'stop', name);
  }

  // Where a person may be asked, what would write is asked about.
  await it.json('config', 'set', 'agent_permission', 'edits');
  const escalated = (cmd: string) =>
    `call: exec_command ${JSON.stringify({ cmd, sandbox_permissions: 'require_escalated', justification: 'to write' })}`;
  await it.json('agent', 'spawn', script(escalated('touch asked.txt'), 'say: asked'), ...ASKER);
  const open = () => it.json<{ items: InboxItem[] }>('inbox', 'list');
  const item = await until('it asks', async () => (await open()).items[0], LIMIT_MS);
  expect(item).toMatchObject({ kind: 'permission', title: expect.stringContaining('touch asked.txt') });
  await it.json('inbox', 'answer', item.id, 'deny');
  await until(
    'it goes on',
    async () => (await it.json<Agent>('agent', 'show', 'asker')).observed.state === 'idle',
    LIMIT_MS,
  );
  expect(existsSync(join(it.repository, 'asked.txt'))).toBe(false);
});

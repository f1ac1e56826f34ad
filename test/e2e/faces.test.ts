/**
 * Programs with their own face in their pane: what a person sees there and what Godel says of it agree at every moment,
 * whoever answers, interrupts or stops them, and a second life goes on with the conversation of the first.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { watchFace } from '../support/face-life.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { type ProgramId, pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

interface Subject {
  runtime: ProgramId;
  /** A step that the program asks a person about. */
  asking: (command: string) => string;
  /** Key of its own dialog that allows it. */
  allowKey: string;
  /** Its own process among those of the agent. */
  process: RegExp;
  /** What tells its states. */
  source?: 'protocol' | 'hook';
}

const escalated = (cmd: string) =>
  `call: exec_command ${JSON.stringify({ cmd, sandbox_permissions: 'require_escalated', justification: 'to test' })}`;

const subjects: readonly Subject[] = [
  { runtime: 'claude', asking: (command) => `bash: ${command}`, allowKey: '1', process: /claude/ },
  { runtime: 'gemini', asking: (command) => `bash: ${command}`, allowKey: '1', process: /gemini/ },
  {
    runtime: 'opencode',
    asking: (command) => `bash: ${command}`,
    allowKey: 'Enter',
    process: /opencode/,
    source: 'protocol',
  },
  { runtime: 'codex', asking: escalated, allowKey: 'y', process: /codex/ },
];

async function live({ runtime, asking, allowKey, process, source = 'hook' }: Subject, path: string): Promise<void> {
  home = await createHome({ PATH: path });
  const { json, repository } = home;
  await json('config', 'set', 'provider', 'demo');
  await json('config', 'set', 'agent_permission', 'ask');
  const face = watchFace(home, 'face');
  const has = (name: string) => existsSync(join(repository, name));

  // Its first prompt: a question, answered from the inbox.
  const first = script(asking('npm --version > first.txt'), 'say: the first is written');
  await json('agent', 'spawn', first, '--runtime', runtime, '--name', 'face');
  const question = await face.question('npm --version > first.txt');
  expect(question).toMatchObject({ kind: 'permission', command: expect.stringContaining('first.txt') });
  expect(question.choices).toEqual(expect.arrayContaining(['allow', 'always', 'deny']));
  expect((await face.state('waiting')).observed).toMatchObject({ source });
  expect(has('first.txt')).toBe(false);
  await face.answer(question, 'allow');
  await face.state('idle');
  await face.sees('the first is written');
  expect(readFileSync(join(repository, 'first.txt'), 'utf8')).toMatch(/^\d/);
  expect(await face.states()).toEqual(['starting', 'idle', 'busy', 'waiting', 'busy', 'idle']);

  // Refused from the inbox: nothing runs, and the program is told.
  await face.send(script(asking('npm --version > refused.txt'), 'say: over'));
  await face.answer(await face.question('refused.txt'), 'deny');
  await face.state('idle');
  expect(has('refused.txt')).toBe(false);

  // Answered by somebody in the pane: the question is not open any more.
  await face.send(script(asking('npm --version > typed.txt'), 'say: typed it is'));
  await face.question('typed.txt');
  await face.sees('typed.txt');
  await face.press(allowKey);
  await face.sees('typed it is');
  await face.state('idle');
  expect(has('typed.txt')).toBe(true);
  expect(await face.open()).toEqual([]);

  // What somebody has typed and not sent is neither sent along nor lost.
  await face.type('half a thought');
  await face.sees('half a thought');
  await face.send(script('say: without the draft'));
  await face.sees('without the draft');
  await face.state('idle');
  await face.sees('half a thought');
  const { turns } = await json<{ turns: { role: string; text: string }[] }>('session', 'tree', 'face');
  expect(turns.some(({ text }) => text.includes('without the draft'))).toBe(true);
  expect(turns.filter(({ text }) => text.includes('half a thought'))).toEqual([]);
  await face.press('C-u');

  // Interrupted by a prompt that may not wait, in the middle of an answer and of a question.
  await face.send(script('wait: 60000', 'say: it never comes to this'));
  await face.state('busy');
  await face.send(script('say: this instead'), '--when', 'now');
  await face.sees('this instead');
  await face.state('idle');
  await face.send(script(asking('npm --version > dropped.txt'), 'say: nor to this'));
  await face.question('dropped.txt');
  await face.send(script('say: that instead'), '--when', 'now');
  await face.sees('that instead');
  await face.state('idle');
  expect(await face.open()).toEqual([]);
  expect(has('dropped.txt')).toBe(false);

  // Interrupted by somebody in the pane.
  await face.send(script('wait: 60000', 'say: it never comes to this'));
  await face.state('busy');
  await face.press('Escape');
  await face.state('idle');
  await json('agent', 'stop', 'face');
  expect(face.processes()).toEqual([]);

  // A second life.
  const { sessionId } = await face.show();
  await json('agent', 'restart', 'face');
  await face.send(script('say: I am back'));
  await face.sees('I am back');
  await face.sees('that instead');
  const again = await face.state('idle');
  expect(again.sessionId).toBe(sessionId);
  // opencode keeps its conversations in a database.
  if (again.sessionFile) expect(readFileSync(again.sessionFile, 'utf8')).toContain('the first is written');
  else expect(runtime).toBe('opencode');
  expect(face.processes().some((command) => process.test(command))).toBe(true);

  // Stopped while it works.
  await face.send(script('wait: 60000', 'say: never'));
  await face.state('busy');
  await json('agent', 'stop', 'face');
  expect(face.processes()).toEqual([]);
  await until('the keys are gone', async () => (await face.show()).lifecycle === 'killed');
}

test.for(subjects)(
  '$runtime: asked, answered, interrupted, stopped and resumed in its pane',
  {
    timeout: 600_000,
  },
  async (subject, context) => {
    const path = await pathWith(subject.runtime);
    if (path === undefined) return context.skip();
    await live(subject, path);
  },
);

test.for(subjects)(
  '$runtime: asks nobody where everything is allowed, and has the tools of Godel at its first prompt',
  {
    timeout: 200_000,
  },
  async ({ runtime }, context) => {
    const path = await pathWith(runtime);
    if (path === undefined) return context.skip();
    home = await createHome({ PATH: path });
    await home.json('config', 'set', 'provider', 'demo');
    await home.json('config', 'set', 'agent_permission', 'all');
    const face = watchFace(home, 'face');
    const first = script('call: agents {}', 'bash: npm --version > free.txt', 'say: the tools are here');
    await home.json('agent', 'spawn', first, '--runtime', runtime, '--name', 'face');
    // The words are on the screen as soon as the prompt is: the end of the turn is what counts.
    await until('its turn is over', async () => (await face.states()).length >= 4, 90_000);
    expect(await face.states()).toEqual(['starting', 'idle', 'busy', 'idle']);
    expect(existsSync(join(home.repository, 'free.txt'))).toBe(true);
    await face.sees('the tools are here');
  },
);

/** The driver of a program with its own face, told by hooks and titles alone: what an answer of a person sets going. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DriverSink, HostConfig } from '../../../runners/runtimes/host/driver.ts';
import { createFaceDriver } from '../../../runners/runtimes/host/face.ts';
import { FACES, type FaceProgram } from '../../../runners/runtimes/host/face-program.ts';
import type { HookCall } from '../../../runners/runtimes/host/hook-server.ts';
import type { Json } from '../../../src/base/json-lines.ts';
import { createScreen } from '../../support/fake-terminal.ts';

const CALL = { tool_name: 'Bash', tool_input: { command: 'npm --version' } };
const IDLE = '✳ Claude Code';
const WORKS = '◐ Claude Code';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** Claude Code, started and in a turn; `log` has what the sink was told. */
async function atWork() {
  const log: string[] = [];
  let take: (call: HookCall) => void = () => {};
  const screen = createScreen();
  const note = (name: string) => () => void log.push(name);
  const names = [
    'taken',
    'turnStarted',
    'settled',
    'toolStarted',
    'toolEnded',
    'todos',
    'text',
    'note',
    'session',
    'ended',
  ];
  const sink = {
    ...Object.fromEntries(names.map((name) => [name, note(name)])),
    asked: ({ id }: { id: string }) => void log.push(`asked ${id}`),
    answered: (id: string) => void log.push(`answered ${id}`),
  } as unknown as DriverSink;
  const driver = createFaceDriver({
    config: { driver: 'claude', argv: ['-'], cwd: '/', sessionId: 's' } as unknown as HostConfig,
    program: FACES.claude as FaceProgram,
    env: {},
    sink,
    socketFile: '-',
    hooks: (_file, given) => {
      take = given;
      return { start: async () => {}, stop: async () => {} };
    },
    terminal: screen.terminal,
  });
  const gone: (() => void)[] = [];
  const hook = (name: string, body: Json = {}) =>
    take({ body: { hook_event_name: name, ...body }, reply: () => {}, onGone: (listener) => void gone.push(listener) });
  const title = (titled: string) => screen.feed({ at: 0, titled });
  void driver.open();
  await vi.advanceTimersByTimeAsync(0);
  hook('SessionStart');
  await vi.advanceTimersByTimeAsync(60_000);
  title(WORKS);
  hook('UserPromptSubmit', { prompt: 'x' });
  await vi.advanceTimersByTimeAsync(2_000);
  hook('PreToolUse', CALL);
  // Its dialog leaves the title of a program at rest.
  title(IDLE);
  hook('PermissionRequest', CALL);
  const asked = log.find((each) => each.startsWith('asked'))?.slice('asked '.length) ?? '';
  const left = () => log.filter((each) => each === 'settled').length;
  return { driver, hook, title, asked, gone: () => gone[0]?.(), settled: left };
}

test('what is answered at once is not at rest because the title of its dialog still stands', async () => {
  const { driver, hook, title, asked, settled } = await atWork();
  await driver.answer(asked, 'allow');
  // A busy machine: the title of the running tool comes late.
  await vi.advanceTimersByTimeAsync(1_500);
  expect(settled()).toBe(0);
  title(WORKS);
  hook('PostToolUse', CALL);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(settled()).toBe(0);
  hook('Stop');
  expect(settled()).toBe(1);
});

test('the same where it was answered in the pane', async () => {
  const { hook, title, gone, settled } = await atWork();
  gone();
  await vi.advanceTimersByTimeAsync(1_200);
  expect(settled()).toBe(0);
  title(WORKS);
  hook('Stop');
  expect(settled()).toBe(1);
});

test('a dialog that was broken off, and whose title goes on to stand, ends the turn', async () => {
  const { gone, settled } = await atWork();
  gone();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(settled()).toBe(1);
});

/** Pi in its pane, with Godel's extension in it and the daemon's end of the bridge outside; a second extension writes down what Pi tells. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { createBridge } from '../../src/agents/bridge.ts';
import { systemClock } from '../../src/base/clock.ts';
import { newId } from '../../src/base/id.ts';
import type { Log } from '../../src/base/log.ts';
import { createJudge, type Entry } from '../../test/support/corpus.ts';
import type { Facts } from './facts.ts';
import { createRecorder, openScreen, prepareHome, type Rig, type Subject } from './rig.ts';

/** What Godel's extension listens to. */
const EVENTS = [
  'session_start',
  'agent_start',
  'message_start',
  'tool_execution_start',
  'tool_execution_end',
  'turn_end',
  'ui_prompt_start',
  'agent_settled',
  'session_shutdown',
];

const tap = (file: string) => `
import { appendFileSync } from 'node:fs';
export default function tap(pi) {
  for (const name of ${JSON.stringify(EVENTS)}) {
    pi.on(name, ({ type, ...event }, context) => {
      const { role, content, stopReason, errorMessage } = event.message ?? {};
      const message = event.message ? { message: { role, content, stopReason, errorMessage } } : {};
      const { toolName, args, isError, title, kind } = event;
      const told = { toolName, args, isError, title, kind, ...message };
      const line = { ms: Date.now(), pi: name, event: told, idle: context.isIdle() };
      appendFileSync(${JSON.stringify(file)}, JSON.stringify(line) + '\\n');
    });
  }
}
`;

/** The tape with what the second extension wrote, in the order of time. */
function withTapped(entries: Entry[], file: string, began: number): Entry[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const tapped = lines.map((line) => {
    const { ms, ...told } = JSON.parse(line);
    return { at: ms - began, ...told } as Entry;
  });
  return [...entries, ...tapped].sort((a, b) => a.at - b.at);
}

export async function openPiPane(subject: Subject, folder: string, cwd: string, facts: Facts): Promise<Rig> {
  const { home, argv, env } = await prepareHome(subject, folder, cwd, facts);
  const file = join(home, 'tapped.jsonl');
  const extension = join(home, 'tap.ts');
  writeFileSync(file, '');
  writeFileSync(extension, tap(file));
  const { put, entries, began, mark } = createRecorder(subject);
  const judge = createJudge(began);
  const agentId = env.GODEL_AGENT_ID as string;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const bridge = createBridge({
    socketFile: env.GODEL_BRIDGE_SOCKET as string,
    clock: systemClock,
    log: pino({ level: 'silent' }) as Log,
    authenticate: async () => true,
    isCurrent: async () => true,
    onEvent: async (_agent, source, event, atMs) => judge.event(event, source, atMs),
    onPromptStatus: async () => {},
    onConnection: async () => {},
    onAlive: () => {},
  });
  await bridge.start();
  const screen = openScreen([...argv, '-e', extension], cwd, env);
  screen.pty.onExit(({ exitCode }) => {
    put({ ended: exitCode });
    judge.ended(exitCode, Date.now());
    void bridge.stop();
    end();
  });
  return {
    subject,
    facts,
    cwd,
    ended,
    async open() {
      while (judge.verdict(Date.now()).state === 'starting') await delay(50);
    },
    mark: (moment, truth) => mark(moment, truth, judge.verdict(Date.now()), screen),
    prompt(...lines) {
      const [id, text] = [newId(), lines.join('\n')];
      put({ do: 'prompt', id, text });
      bridge.send(agentId, { id, text, when: 'after-turn' });
    },
    answer: () => {},
    interrupt() {
      put({ do: 'interrupt' });
      bridge.interrupt(agentId);
    },
    stop: () => screen.pty.kill(),
    keys(keys) {
      put({ do: 'keys', keys });
      screen.pty.write(keys);
    },
    screen: screen.rows,
    tape: () => ({
      runtime: 'pi',
      mode: 'pane',
      version: subject.version,
      recorded: new Date().toISOString().slice(0, 10),
      entries: withTapped(entries, file, began),
    }),
  };
}

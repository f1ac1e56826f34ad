/** The protocol host without any program: order and number of prompts, what is typed, what a pane may show. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { choicesOf } from '../../../runners/runtimes/host/acp.ts';
import { permissionResult, transcriptFile, userTextsIn } from '../../../runners/runtimes/host/claude.ts';
import { toolOf } from '../../../runners/runtimes/host/codex.ts';
import type { Driver, DriverSink, HostConfig } from '../../../runners/runtimes/host/driver.ts';
import { pasteOf } from '../../../runners/runtimes/host/face-draft.ts';
import { FACES } from '../../../runners/runtimes/host/face-program.ts';
import { createScreenWatch } from '../../../runners/runtimes/host/face-screen.ts';
import { choiceOf, createHost } from '../../../runners/runtimes/host/host.ts';
import { createHostOutbox, type QueuedPrompt } from '../../../runners/runtimes/host/outbox.ts';
import { createTranscript, excerpt, harmless, silentTranscript } from '../../../runners/runtimes/host/transcript.ts';
import { isOlder } from '../../../runners/runtimes/program.ts';
import { openPromptRecord } from '../../../runners/runtimes/prompt-record.ts';
import type { AgentEventInput } from '../../../src/agents/bridge-protocol.ts';

/** The transcript's own colours. */
const COLOUR = new RegExp(`${'\u001b'}\\[\\d*m`, 'g');

const prompt = (id: string, when: QueuedPrompt['when'] = 'after-turn'): QueuedPrompt => ({
  id,
  text: `text ${id}`,
  when,
});

function bench(canSteer: boolean, file = join(mkdtempSync(join(tmpdir(), 'outbox-')), 'delivered.txt')) {
  const log: string[] = [];
  const refuse = new Set<string>();
  const outbox = createHostOutbox({
    driver: {
      canSteer,
      async send({ id }, steer) {
        log.push(steer ? `steer ${id}` : `send ${id}`);
        if (refuse.has(id)) throw new Error('no');
      },
      async interrupt() {
        log.push('interrupt');
      },
    },
    record: openPromptRecord(file),
    status: (id, status, reason) => void log.push([status, id, reason].filter(Boolean).join(' ')),
    onHandOver: () => {},
  });
  return { log, outbox, refuse, file };
}

describe('prompts', () => {
  test('wait for the program, then go one turn after another', () => {
    const { log, outbox } = bench(false);
    outbox.push(prompt('a'));
    outbox.push(prompt('b'));
    expect(log).toEqual([]);
    outbox.open();
    expect(log).toEqual(['send a']);
    outbox.turnStarted();
    outbox.taken('a');
    expect(log.slice(1)).toEqual(['started a']);
    outbox.settled();
    expect(log.slice(2)).toEqual(['send b']);
  });

  test('for now interrupts once; after the tool joins the turn where the program can', () => {
    const { log, outbox } = bench(true);
    outbox.open();
    outbox.push(prompt('a'));
    outbox.taken('a');
    outbox.turnStarted();
    outbox.push(prompt('b', 'after-tool'));
    expect(log.slice(2)).toEqual(['steer b']);
    outbox.push(prompt('c', 'now'));
    outbox.push(prompt('d', 'now'));
    expect(log.slice(3)).toEqual(['interrupt']);
    outbox.taken('b');
    outbox.settled();
    expect(log.slice(4)).toEqual(['started b', 'send c']);
  });

  test('one that is given again is not handed over again, in this life or in the next', () => {
    const { log, outbox, file } = bench(false);
    outbox.open();
    outbox.push(prompt('a'));
    outbox.push(prompt('a'));
    expect(log).toEqual(['send a']);
    outbox.taken('a');
    outbox.push(prompt('a'));
    expect(log.slice(1)).toEqual(['started a', 'started a']);
    const next = bench(false, file);
    next.outbox.open();
    next.outbox.push(prompt('a'));
    expect(next.log).toEqual(['started a']);
  });

  test('one that the program refuses is told with the reason, and the next goes on', async () => {
    const { log, outbox, refuse } = bench(false);
    refuse.add('a');
    outbox.open();
    outbox.push(prompt('a'));
    outbox.push(prompt('b'));
    await Promise.resolve();
    await Promise.resolve();
    expect(log).toEqual(['send a', 'refused a no', 'send b']);
  });
});

describe('tool calls', () => {
  test('two long ones that begin alike are told apart, the same one twice is not', () => {
    const told: AgentEventInput[] = [];
    let sink: DriverSink | undefined;
    createHost({
      config: {} as HostConfig,
      record: openPromptRecord(join(mkdtempSync(join(tmpdir(), 'outbox-')), 'delivered.txt')),
      transcript: silentTranscript,
      link: () => ({ emit: (event) => void told.push(event), promptStatus: () => {}, close: () => {} }),
      driver: (given) => {
        sink = given;
        return {} as Driver;
      },
      onEnd: () => {},
    });
    const command = `printf ${'x'.repeat(300)}`;
    for (const input of [{ command: `${command}1` }, { command: `${command}2` }, { command: `${command}1` }])
      sink?.toolStarted('Bash', input);
    const [first, second, third] = told.map((event) => (event.kind === 'tool-start' ? event : undefined));
    expect(first?.summary).toHaveLength(160);
    expect(second?.summary).toBe(first?.summary);
    expect(second?.digest).not.toBe(first?.digest);
    expect(third?.digest).toBe(first?.digest);
  });
});

describe('what a person types', () => {
  const ask = { id: '1', kind: 'permission' as const, question: 'Bash: ls', choices: ['allow', 'always', 'deny'] };
  test.each([
    ['1', 'allow'],
    ['Always', 'always'],
    ['9', undefined],
    ['something else', undefined],
  ])('%s', (typed, choice) => expect(choiceOf(ask, typed)).toBe(choice));

  test('any words answer a question without choices', () => {
    expect(choiceOf({ ...ask, choices: [] }, ' blue ')).toBe('blue');
    expect(choiceOf({ ...ask, choices: [] }, ' ')).toBeUndefined();
  });
});

describe('what a pane shows', () => {
  test('nothing of a model or a tool can steer the terminal', () => {
    const written: string[] = [];
    const transcript = createTranscript((text) => void written.push(text));
    transcript.text('\u001b]0;title\u0007 and \u001b[2J');
    transcript.toolEnd(false, 'a\u001b[31m\u009bb');
    transcript.prompt('\u001bc');
    const foreign = written.join('').replaceAll(COLOUR, '');
    for (const evil of ['\u001b', '\u0007', '\u009b']) expect(foreign).not.toContain(evil);
    expect(harmless('tab\tline\n')).toBe('tab\tline\n');
  });

  test('long outputs are cut, with a word about the rest', () => {
    expect(excerpt('1\n2\n3\n4\n5\n6\n7\n8\n')).toEqual(['1', '2', '3', '4', '5', '6', '… 2 more lines']);
  });

  test('titles tell what a program does, also when they come in pieces', () => {
    const heard: string[] = [];
    const codex = createScreenWatch(FACES.codex?.readTitle ?? (() => undefined), (says) => void heard.push(says));
    codex.take(Buffer.from('\u001b[?2004h\u001b]0;rep'));
    codex.take('o\u0007text\u001b]2;⠹ repo\u001b');
    codex.take('\\\u001b]0;⠼ repo\u0007');
    codex.take('\u001b]0;[ ! ] Action Required | repo\u0007\u001b]0;[ . ] Action Required | repo\u0007');
    expect(heard).toEqual(['idle', 'busy', 'waiting']);
    expect(FACES.claude?.readTitle('✳ Claude Code')).toBe('idle');
    expect(FACES.claude?.readTitle('◐ Claude Code')).toBe('busy');
  });

  test('a paste has no control characters and cannot end itself', () => {
    expect(pasteOf('a\nb\u001b[201~c')).toBe('\u001b[200~a\rb[201~c\u001b[201~');
  });
});

describe('dialects of programs', () => {
  test('answers to Claude Code', () => {
    const pending = { input: { command: 'ls' }, suggestions: [{ type: 'addRules' }], questions: [], answers: {} };
    expect(permissionResult(pending, 'allow')).toEqual({ behavior: 'allow', updatedInput: { command: 'ls' } });
    expect(permissionResult(pending, 'always')).toMatchObject({ updatedPermissions: [{ type: 'addRules' }] });
    expect(permissionResult(pending, 'deny')).toMatchObject({ behavior: 'deny' });
    const question = { question: 'Which?', options: [{ label: 'A' }] };
    const asked = { input: { questions: [question] }, suggestions: undefined, questions: [question], answers: {} };
    expect(permissionResult(asked, 'A')).toMatchObject({ updatedInput: { answers: { 'Which?': 'A' } } });
  });

  test('texts of people in a transcript of Claude Code, a cut line and a wrapped paste included', () => {
    const lines = [
      { type: 'user', message: { content: 'one' } },
      { type: 'assistant', message: { content: 'no' } },
      {
        type: 'user',
        message: {
          content: [{ type: 'text', text: '\n\n<pasted_content id="1f">\ntwo\nlines\n</pasted_content id="1f">\n' }],
        },
      },
      { type: 'user', message: { content: [{ type: 'tool_result', content: 'x' }] } },
    ];
    const text = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"type":"user","mess`;
    expect(userTextsIn(text)).toEqual(['one', 'two\nlines']);
    expect(transcriptFile('/c', '/a/b.c', 'id')).toBe('/c/projects/-a-b-c/id.jsonl');
  });

  test('tools of Codex, and options of ACP', () => {
    expect(toolOf({ type: 'commandExecution', command: 'ls\n-l' })).toEqual({
      tool: 'shell',
      input: { command: 'ls\n-l' },
    });
    expect(toolOf({ type: 'agentMessage' })).toBeUndefined();
    const options = [
      { optionId: 'o', name: 'Yes', kind: 'allow_once' },
      { optionId: 'p', name: 'Yes, and this too', kind: 'allow_once' },
      { optionId: 'n', name: 'No', kind: 'reject_once' },
    ];
    expect([...choicesOf(options)]).toEqual([
      ['allow', 'o'],
      ['Yes, and this too', 'p'],
      ['deny', 'n'],
    ]);
  });

  test.each([
    ['2.1.329', '2.1.0', false],
    ['2.0.9', '2.1.0', true],
    ['1.18.33', '1.18.33', false],
    ['0.9', '0.50.0', true],
    ['0.61.0-nightly.1', '0.61.0', false],
  ])('%s against %s', (version, oldest, older) => expect(isOlder(version, oldest)).toBe(older));
});

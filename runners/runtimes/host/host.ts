/** Ties a driver to the daemon's bridge, to the outbox of its agent and to the pane: the whole life of one program. */
import { newId } from '../../../src/base/id.ts';
import type { BridgeLink } from '../bridge-link.ts';
import type { PromptRecord } from '../prompt-record.ts';
import { aboutCall } from '../summary.ts';
import type { Ask, Driver, DriverSink, HostConfig } from './driver.ts';
import { createHostOutbox, type QueuedPrompt } from './outbox.ts';
import type { Transcript } from './transcript.ts';

export interface HostOptions {
  config: HostConfig;
  record: PromptRecord;
  transcript: Transcript;
  /** Opens the agent's end of the bridge. */
  link: (inputs: LinkInputs) => BridgeLink;
  driver: (sink: DriverSink) => Driver;
  onEnd: (code: number) => void;
}

export interface LinkInputs {
  onPrompt: (prompt: QueuedPrompt) => void;
  onInterrupt: () => void;
  onAnswer: (askId: string, choice: string) => void;
  onCompact: () => Promise<void>;
}

export interface Host {
  open(): Promise<void>;
  /** A line a person typed into the pane: an answer when something is asked, else a prompt. */
  typed(line: string): void;
  interrupt(): void;
  stop(): Promise<void>;
}

/** What a typed line means for an open question: a number, a word of the choices, or free text. Pure. */
export function choiceOf(ask: Ask, typed: string): string | undefined {
  const text = typed.trim();
  if (ask.choices.length === 0) return text === '' ? undefined : text;
  const byNumber = /^\d+$/.test(text) ? ask.choices[Number(text) - 1] : undefined;
  return byNumber ?? ask.choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
}

export function createHost(options: HostOptions): Host {
  const { transcript } = options;
  const asks = new Map<string, Ask>();
  let idle = true;
  let interrupted = false;
  let settledOnce = false;

  /** While something is asked, what else goes on does not change that a person is waited for. */
  const asking = () => (asks.size > 0 ? { asking: true } : {});

  function tellAsk(ask: Ask): void {
    const { id, kind, question, choices } = ask;
    link.emit({ kind: 'ask', id, question, choices: [...choices], ask: kind, ...toolIn(ask) });
  }

  const sink: DriverSink = {
    taken: (id) => outbox.taken(id),
    turnStarted() {
      idle = false;
      interrupted = false;
      link.emit({ kind: 'turn-start' });
      outbox.turnStarted();
    },
    settled(failed) {
      // What was broken off ended as it was asked to, whatever the program calls that.
      const error = interrupted ? undefined : failed;
      idle = true;
      interrupted = false;
      const open = [...asks.keys()];
      asks.clear();
      for (const id of open) link.emit({ kind: 'answered', id });
      if (error !== undefined) transcript.error(error);
      transcript.settled();
      link.emit({ kind: 'settled', ...(error === undefined ? {} : { error }) });
      outbox.settled();
    },
    toolStarted(tool, input) {
      const about = aboutCall(input);
      transcript.tool(tool, about.summary);
      link.emit({ kind: 'tool-start', tool, ...about, ...asking() });
    },
    todos: (items) => link.emit({ kind: 'todos', items: [...items] }),
    toolEnded(tool, isError, output) {
      transcript.toolEnd(isError, output);
      link.emit({ kind: 'tool-end', tool, isError, ...asking() });
    },
    text: (piece) => transcript.text(piece),
    asked(ask) {
      asks.set(ask.id, ask);
      transcript.ask(ask);
      // One after the other: the next is told of when this one is over.
      if (asks.size === 1) tellAsk(ask);
    },
    answered(id) {
      const [first] = asks.keys();
      if (!asks.delete(id)) return;
      link.emit({ kind: 'answered', id, ...asking() });
      const [next] = asks.values();
      if (next && first === id) tellAsk(next);
    },
    note: (text) => transcript.note(text),
    session: (session) => link.emit({ kind: 'session', ...session }),
    ended(code) {
      if (settledOnce) return;
      settledOnce = true;
      link.emit({ kind: 'shutdown' });
      link.close();
      options.onEnd(code);
    },
  };

  const driver = options.driver(sink);
  const link = options.link({
    onPrompt: (prompt) => outbox.push(prompt),
    onInterrupt: () => interrupt(),
    onAnswer: (id, choice) => void answer(id, choice),
    async onCompact() {
      if (!driver.compact) throw new Error('its program has no way to');
      transcript.note('makes its conversation shorter');
      await driver.compact();
    },
  });
  const outbox = createHostOutbox({
    driver: { canSteer: driver.canSteer, send: driver.send, interrupt: () => interruptDriver() },
    record: options.record,
    status: (id, status, reason) => link.promptStatus(id, status, reason),
    onHandOver: (prompt) => transcript.prompt(prompt.text),
  });

  async function answer(id: string, choice: string): Promise<void> {
    if (!asks.has(id)) return;
    transcript.note(`answered: ${choice}`);
    await driver.answer(id, choice).catch((error: unknown) => transcript.note(String(error)));
  }

  function interruptDriver(): Promise<void> {
    interrupted = !idle;
    return driver.interrupt();
  }

  function interrupt(): void {
    void interruptDriver().catch((error: unknown) => transcript.note(String(error)));
  }

  return {
    async open() {
      const opened = await driver.open();
      options.record.reconcile(opened.userTexts);
      const { file, sessionId } = opened;
      sink.session({ ...(file ? { file } : {}), ...(sessionId ? { sessionId } : {}) });
      link.emit({ kind: 'idle' });
      transcript.settled();
      outbox.open();
    },
    typed(line) {
      const [ask] = asks.values();
      const choice = ask && choiceOf(ask, line);
      if (ask && choice !== undefined) void answer(ask.id, choice);
      else if (line.trim() !== '') outbox.push({ id: newId(), text: line, when: 'after-tool' });
    },
    interrupt,
    stop: () => driver.close(),
  };
}

/** The tool and command of a permission question, for rules such as "always allow npm test". */
function toolIn(ask: Ask): { tool?: string; command?: string } {
  if (ask.kind !== 'permission') return {};
  const colon = ask.question.indexOf(': ');
  if (colon < 0) return { tool: ask.question };
  return { tool: ask.question.slice(0, colon), command: ask.question.slice(colon + 2) };
}

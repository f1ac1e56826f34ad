/**
 * The corpus of recorded programs: what a tape holds, and the stage on which a program, real or from a tape, plays before the real
 * driver, host and judge. `scripts/record-corpus.ts` makes the tapes, test/corpus plays them.
 */
import type { Driver, DriverSink, HostConfig } from '../../runners/runtimes/host/driver.ts';
import { createHost, type Host, type LinkInputs } from '../../runners/runtimes/host/host.ts';
import { silentTranscript } from '../../runners/runtimes/host/transcript.ts';
import type { AgentEventInput } from '../../src/agents/bridge-protocol.ts';
import { agentEventSchema } from '../../src/agents/bridge-protocol.ts';
import type { ScreenVerdict } from '../../src/agents/runtime.ts';
import type { AgentState, Question, StateSource } from '../../src/agents/schema.ts';
import { confirmed, type Evidence, type EvidenceBySource, judge, withReport } from '../../src/agents/state.ts';
import { verdictOf } from '../../src/agents/verdicts.ts';
import type { Json } from '../../src/base/json-lines.ts';

/** What is so, as the recorder knows because it caused it. */
export interface Truth {
  state: AgentState;
  /** Kind of the question, when it waits for a person. */
  question?: Question['kind'];
  /** Words of what it asks about: an answer must not be given to another question. */
  about?: string;
}

/** What a person, or Godel on behalf of one, did. */
export type Deed =
  | { do: 'open' }
  | { do: 'prompt'; id: string; text: string }
  | { do: 'answer'; choice: string }
  | { do: 'interrupt' }
  | { do: 'stop' }
  | { do: 'keys'; keys: string };

export type Happening =
  /** A line of the program's protocol, and one of ours to it. */
  | { line: Json }
  | { sent: Json }
  | { noise: string }
  /** A hook of the program, its end without our reply, and our reply. */
  | { hook: Json; call: number }
  | { gone: number }
  | { replied: number; with?: Json }
  /** A title that says something else than the one before, and that it takes pastes. */
  | { titled: string }
  | { pastes: true }
  /** Over the interface that the program serves: what happened, and what it answered to a request, or why not. */
  | { event: string; about: Json }
  | { request: string; answer: unknown }
  | { request: string; refused: string }
  /** The driver read in the transcript what a turn failed of. */
  | { failed: string }
  /** An event inside Pi, and whether Pi calls itself idle then. */
  | { pi: string; event: Json; idle: boolean }
  /** The screen of a pane when it changed, and whether a program waits for a key there. */
  | { screen: string; isRead: boolean | null }
  | { ended: number }
  | { moment: string; truth: Truth; screen?: string; title?: string };

export type Entry = { at: number } & (Deed | Happening);

export interface Tape {
  runtime: string;
  mode: 'pane' | 'protocol';
  version: string;
  recorded: string;
  /** Of the programs that a host runs. */
  config?: Pick<HostConfig, 'driver' | 'face' | 'permission' | 'sessionId' | 'authMethod'>;
  entries: Entry[];
}

/** One JSON value a line: the head, then what happened, in order. */
export function readTape(text: string): Tape {
  const [head, ...entries] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { ...head, entries };
}

export function writeTape({ entries, ...head }: Tape): string {
  return [head, ...entries].map((each) => `${JSON.stringify(each)}\n`).join('');
}

export interface Judge {
  /** What a bridge says. */
  event(event: AgentEventInput, source: StateSource, atMs: number): void;
  /** What a quiet screen says, or that something was printed. */
  screen(verdict: ScreenVerdict | undefined, atMs: number): void;
  ended(code: number, atMs: number): void;
  /** The verdict as the daemon would show it; a bridge that is connected stands by what it said. */
  verdict(atMs: number): Evidence;
}

/** The part of the daemon that judges, for one agent that was launched at `bornMs`. */
export function createJudge(bornMs: number): Judge {
  let known: EvidenceBySource = withReport({}, { state: 'starting', source: 'process', atMs: bornMs });
  return {
    event(event, source, atMs) {
      const verdict = verdictOf(agentEventSchema.parse(event));
      if (verdict) known = withReport(known, { ...verdict, source, atMs });
    },
    screen(verdict, atMs) {
      if (verdict) known = withReport(known, { ...verdict, source: 'screen', atMs });
    },
    ended(code, atMs) {
      known = withReport(known, { state: code === 0 ? 'exited' : 'failed', source: 'process', atMs });
    },
    verdict(atMs) {
      known = confirmed(known, atMs, ({ source }) => source === 'protocol' || source === 'hook');
      return judge(known, atMs);
    },
  };
}

export interface Stage {
  host: Host;
  judge: Judge;
  /** Hands a prompt over, as the bridge does. */
  prompt(id: string, text: string): void;
  /** Answers the oldest open question. */
  answer(choice: string): void;
  interrupt(): void;
  readonly asks: readonly string[];
}

/** Godel's host and judge around a driver, with no daemon between them. */
export function createStage(
  config: HostConfig,
  now: () => number,
  createDriver: (sink: DriverSink) => Driver,
  onEnd: (code: number) => void = () => {},
): Stage {
  const source = config.face && config.driver !== 'opencode' ? 'hook' : 'protocol';
  const verdicts = createJudge(now());
  const asks: string[] = [];
  let inputs: LinkInputs | undefined;
  const host = createHost({
    config,
    transcript: silentTranscript,
    record: { has: () => false, add: () => {}, reconcile: () => {} },
    link(given) {
      inputs = given;
      return {
        emit(event) {
          if (event.kind === 'ask' && event.id !== undefined) asks.push(event.id);
          if (event.kind === 'answered') asks.splice(asks.indexOf(event.id ?? ''), 1);
          verdicts.event(event, source, now());
        },
        promptStatus: () => {},
        close: () => {},
      };
    },
    driver: createDriver,
    onEnd(code) {
      verdicts.ended(code, now());
      onEnd(code);
    },
  });
  return {
    host,
    judge: verdicts,
    asks,
    prompt: (id, text) => inputs?.onPrompt({ id, text, when: 'after-turn' }),
    answer: (choice) => inputs?.onAnswer(asks[0] ?? '', choice),
    interrupt: () => inputs?.onInterrupt(),
  };
}

/** True when what is shown is what is so. */
export function isTrue(truth: Truth, { state, question }: Pick<Evidence, 'state' | 'question'>): boolean {
  if (state !== truth.state || (truth.question !== undefined && question?.kind !== truth.question)) return false;
  return truth.about === undefined || (question?.text ?? '').includes(truth.about);
}

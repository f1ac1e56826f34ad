/** What a program is taken through, each moment with what is so then: known from files of tools and requests to the provider. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './facts.ts';
import type { Rig } from './rig.ts';

/** After the last request is answered a program needs a moment to draw and to tell it. */
const SETTLE_MS = 2_500;
/** A program that may ask has asked after this time. */
const ASK_MS = 3_000;
export const QUOTED = [
  'Do you want to proceed?',
  '❯ 1. Yes',
  "  2. Yes, and don't ask again",
  '  3. No, and tell me what to do differently (esc)',
  '',
  '✻ Working… (12s · esc to interrupt)',
];

const demo = (...lines: string[]) => ['```demo', ...lines, '```'];

export interface Skills {
  /** Runs a shell command in a way that asks for permission; absent where the program never asks. */
  asking?: (command: string) => string;
  /** Runs a shell command without a question. */
  plain: (command: string) => string;
  /** Asks a question with two choices, red and blue. */
  question?: string;
  /** Keys of a person that say yes, and no, to a permission in the pane. */
  yes?: string;
  no?: string;
  /** Keys of a person that break off what runs, one after the other; Escape where absent. */
  escapes?: readonly string[];
  /** What a person types to leave its pane; absent where Godel ends it. */
  quit?: string | undefined;
}

let tools = 0;

/** A tool that runs until it is told to end. */
function tool(rig: Rig) {
  tools += 1;
  const file = (word: string) => join(rig.cwd, `${word}-${tools}`);
  const [started, go] = [file('started'), file('go')];
  return {
    name: `started-${tools}`,
    command: `touch ${started}; while [ ! -e ${go} ]; do sleep 0.1; done`,
    started: () => until('the tool runs', () => existsSync(started)),
    runs: () => existsSync(started),
    end: () => writeFileSync(go, ''),
  };
}

/** It waits for a person to allow this tool, and no other. */
const asks = ({ name }: ReturnType<typeof tool>) =>
  ({ state: 'waiting', question: 'permission', about: name }) as const;

/** Nothing is to be done any more. */
const rests = (rig: Rig) => rig.facts.quiet(SETTLE_MS * rig.subject.patience);

/** The model is told what came of it, says its last word, and nothing is to be done any more. */
async function finishes(rig: Rig, before: number): Promise<void> {
  await until('the model was asked again', () => rig.facts.answered().length > before);
  await rests(rig);
}

const asked = async (rig: Rig, before: number) => {
  await until('the tool call was answered', () => rig.facts.answered().length > before && rig.facts.inFlight() === 0);
  await delay(ASK_MS * rig.subject.patience);
};

export async function opening(rig: Rig): Promise<void> {
  const open = rig.open();
  await delay(150);
  rig.mark('starting', { state: 'starting' });
  await open;
  await delay(SETTLE_MS * rig.subject.patience);
  rig.mark('idle at first', { state: 'idle' });
}

async function endTool(rig: Rig, own: ReturnType<typeof tool>): Promise<void> {
  const before = rig.facts.answered().length;
  own.end();
  await finishes(rig, before);
}

async function answering(rig: Rig): Promise<void> {
  rig.prompt(...demo('wait: 2500', 'say: The first answer.'));
  await until('a request is under way', () => rig.facts.inFlight() > 0);
  await delay(1_000);
  rig.mark('busy with an answer', { state: 'busy' });
  await rests(rig);
  rig.mark('idle after an answer', { state: 'idle' });
}

async function working(rig: Rig, skills: Skills): Promise<void> {
  const own = tool(rig);
  rig.prompt(...demo(skills.plain(own.command), 'say: The tool ran.'));
  await own.started();
  await delay(1_500);
  rig.mark('busy with a tool', { state: 'busy' });
  await endTool(rig, own);
  rig.mark('idle after a tool', { state: 'idle' });
}

async function permitted(rig: Rig, asking: (command: string) => string): Promise<void> {
  const own = tool(rig);
  const before = rig.facts.answered().length;
  rig.prompt(...demo(asking(own.command), 'say: It was allowed.'));
  await asked(rig, before);
  if (own.runs()) throw new Error('the tool ran without a question');
  rig.mark('asks for permission', asks(own));
  rig.answer('allow');
  await own.started();
  await delay(1_500);
  rig.mark('the permitted tool runs', { state: 'busy' });
  await endTool(rig, own);
  rig.mark('idle after a permitted tool', { state: 'idle' });
}

async function refused(rig: Rig, asking: (command: string) => string): Promise<void> {
  const own = tool(rig);
  const before = rig.facts.answered().length;
  rig.prompt(...demo(asking(own.command), 'say: It was refused.'));
  await asked(rig, before);
  rig.mark('asks for permission again', asks(own));
  rig.answer('deny');
  await rests(rig);
  rig.mark('idle after a refusal', { state: 'idle' });
}

/** Two tools in one turn, and a question for each: while one of them is open, a person is waited for. */
async function askedTwice(rig: Rig, asking: (command: string) => string): Promise<void> {
  const [one, two] = [tool(rig), tool(rig)];
  one.end();
  two.end();
  const before = rig.facts.answered().length;
  rig.prompt(...demo(asking(one.command), `+ ${asking(two.command)}`, 'say: Both ran.'));
  await asked(rig, before);
  rig.mark('asks for two permissions', asks(one));
  rig.answer('allow');
  // Some run what is allowed at once, others when both are.
  const patienceMs = ASK_MS * rig.subject.patience;
  await until('one of the tools ran', () => one.runs() || two.runs(), patienceMs).catch(() => undefined);
  await delay(patienceMs);
  if (!(one.runs() && two.runs())) rig.mark('still asks for the other', asks(two));
  const told = rig.facts.answered().length;
  rig.answer('allow');
  await until('both tools ran', () => one.runs() && two.runs());
  await finishes(rig, told);
  rig.mark('idle after two permissions', { state: 'idle' });
}

async function interruptedAtQuestion(rig: Rig, asking: (command: string) => string): Promise<void> {
  const own = tool(rig);
  const before = rig.facts.answered().length;
  rig.prompt(...demo(asking(own.command), 'say: It goes on.'));
  await asked(rig, before);
  rig.mark('asks for permission, and is to be interrupted', asks(own));
  rig.interrupt();
  await rests(rig);
  rig.mark('idle after an interrupted question', { state: 'idle' });
}

async function questioned(rig: Rig, question: string): Promise<void> {
  const before = rig.facts.answered().length;
  rig.prompt(...demo(question, 'say: It was answered.'));
  await asked(rig, before);
  rig.mark('asks a question', { state: 'waiting', question: 'question' });
  const told = rig.facts.answered().length;
  rig.answer('red');
  await finishes(rig, told);
  rig.mark('idle after a question', { state: 'idle' });
}

async function interrupted(rig: Rig, how: () => unknown, word: string): Promise<void> {
  rig.prompt(...demo('wait: 20000', 'say: never'));
  await until('a request is under way', () => rig.facts.inFlight() > 0);
  await delay(1_000);
  rig.mark(`busy, and is to be interrupted ${word}`, { state: 'busy' });
  await how();
  await rests(rig);
  rig.mark(`idle after it was interrupted ${word}`, { state: 'idle' });
}

async function interruptedTool(rig: Rig, skills: Skills, how: () => unknown, word: string): Promise<void> {
  const own = tool(rig);
  const before = rig.facts.answered().length;
  rig.prompt(...demo((skills.asking ?? skills.plain)(own.command), 'say: never'));
  if (skills.asking) {
    await asked(rig, before);
    rig.answer('allow');
  }
  await own.started();
  await delay(1_500);
  rig.mark(`busy with a tool that is to be interrupted ${word}`, { state: 'busy' });
  await how();
  await rests(rig);
  rig.mark(`idle after a tool was interrupted ${word}`, { state: 'idle' });
}

async function atFault(rig: Rig, how: () => unknown): Promise<void> {
  rig.prompt(...demo('error: 400'));
  const before = rig.facts.answered().length;
  await until('the error was answered', () => rig.facts.answered().length > before);
  await rests(rig);
  await delay(2_000);
  rig.mark('the model answered with an error', { state: 'waiting', question: 'error' });
  rig.prompt(...demo('say: It goes on after the error.'));
  await rests(rig);
  rig.mark('idle after an error was got over', { state: 'idle' });
  const until429 = rig.facts.answered().length;
  rig.prompt(...demo('error: 429 20'));
  await until('it was refused', () => rig.facts.answered().slice(until429).includes(429));
  await delay(1_500);
  rig.mark('limited, and tries again', { state: 'busy' });
  await how();
  await rests(rig);
  rig.mark('idle after the limit was interrupted', { state: 'idle' });
}

/** Words of a screen that asks or works, where nothing asks or works. */
async function quoting(rig: Rig, skills: Skills): Promise<void> {
  const file = join(rig.cwd, 'quoted.txt');
  writeFileSync(file, `${QUOTED.join('\n')}\n`);
  rig.prompt(...demo(`say: It says: ${QUOTED.join(' ')}`));
  await rests(rig);
  rig.mark('idle, with the words of a question in its answer', { state: 'idle' });
  const own = tool(rig);
  const before = rig.facts.answered().length;
  rig.prompt(...demo((skills.asking ?? skills.plain)(`cat ${file}; ${own.command}`), 'say: esc to interrupt'));
  if (skills.asking) {
    await asked(rig, before);
    rig.answer('allow');
  }
  await own.started();
  await delay(1_500);
  rig.mark('busy with a tool that shows the words of a question', { state: 'busy' });
  await endTool(rig, own);
  rig.mark('idle after a tool that showed the words of a question', { state: 'idle' });
}

/** A person works in the pane; nothing is told to Godel. */
async function byHand(rig: Rig, skills: Skills): Promise<void> {
  const type = async (text: string) => {
    rig.keys(`\u001b[200~${text.replaceAll('\n', '\r')}\u001b[201~`);
    await delay(600);
    rig.keys('\r');
  };
  await type(demo('wait: 3000', 'say: typed').join('\n'));
  await until('a request is under way', () => rig.facts.inFlight() > 0);
  await delay(1_000);
  rig.mark('busy with what a person typed', { state: 'busy' });
  await rests(rig);
  rig.mark('idle after what a person typed', { state: 'idle' });
  if (!skills.asking || !skills.yes) return;
  for (const [key, word] of [
    [skills.yes, 'allowed'],
    [skills.no ?? '\u001b', 'refused'],
  ] as const) {
    const own = tool(rig);
    const before = rig.facts.answered().length;
    await type(demo(skills.asking(own.command), 'say: it goes on').join('\n'));
    await asked(rig, before);
    rig.mark(`asks, and is to be ${word} in the pane`, asks(own));
    rig.keys(key);
    if (word === 'allowed') {
      await own.started();
      await delay(1_500);
      rig.mark('busy with a tool that was allowed in the pane', { state: 'busy' });
      await endTool(rig, own);
    } else await rests(rig);
    rig.mark(`idle after it was ${word} in the pane`, { state: 'idle' });
  }
}

async function ending(rig: Rig, skills: Skills): Promise<void> {
  if (skills.quit) {
    rig.keys(skills.quit);
    await delay(800);
    rig.keys('\r');
  } else rig.stop();
  await rig.ended;
  await delay(200);
  rig.mark('ended', { state: 'exited' });
}

export async function play(rig: Rig, skills: Skills, only: (scene: string) => boolean = () => true): Promise<void> {
  const face = rig.subject.mode === 'pane';
  const scene = async (name: string, work: () => Promise<void>) => {
    if (!only(name)) return;
    try {
      await work();
    } catch (error) {
      process.stdout.write(`BROKEN ${rig.subject.name}: ${name}: ${String(error)}\n${rig.screen()}\n`);
    }
  };
  const interrupt = () => rig.interrupt();
  await opening(rig);
  await scene('answer', () => answering(rig));
  if (!skills.asking) await scene('tool', () => working(rig, skills));
  const { asking, question } = skills;
  if (asking) {
    await scene('permit', () => permitted(rig, asking));
    await scene('refuse', () => refused(rig, asking));
    await scene('two', () => askedTwice(rig, asking));
    await scene('interrupt-question', () => interruptedAtQuestion(rig, asking));
  }
  if (question) await scene('question', () => questioned(rig, question));
  await scene('interrupt', () => interrupted(rig, interrupt, 'by Godel'));
  await scene('interrupt-tool', () => interruptedTool(rig, skills, interrupt, 'by Godel'));
  if (face) {
    const escapes = async () => {
      for (const keys of skills.escapes ?? ['\u001b']) {
        rig.keys(keys);
        await delay(500);
      }
    };
    await scene('escape', () => interrupted(rig, escapes, 'in the pane'));
    await scene('escape-tool', () => interruptedTool(rig, skills, escapes, 'in the pane'));
    await scene('hand', () => byHand(rig, skills));
  }
  await scene('error', () => atFault(rig, interrupt));
  await scene('quote', () => quoting(rig, skills));
  await scene('end', () => ending(rig, skills));
}

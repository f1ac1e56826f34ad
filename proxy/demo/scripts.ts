/**
 * What the scripted provider does. A prompt may carry its own script in a fenced block named `demo`, one step a line:
 *
 *     bash: <command>              call the shell tool
 *     write: <path> <<< "<JSON string>"   call the write tool
 *     read: <path>                 call the read tool
 *     call: <tool> <JSON>          call any other tool the agent has, by its name or the end of it
 *     + bash: … (or write, read)   one more call in the same turn
 *     say: <text>                  end the turn with a text
 *     think: <text>                think that before the next step
 *     wait: <ms>                   answer the next step that much later
 *     slow: <ms>                   pause between the chunks of the next step
 *
 * Faults, for people who test how their agent bears them:
 *
 *     error: <status> [seconds]    answer with that HTTP status, and a Retry-After
 *     fail: <text>                 begin the answer, then say an error inside the stream
 *     cut                          break the answer off in the middle
 *     stall                        fall silent in the middle, and stay connected
 *     hang                         never answer
 *     garbage                      send bytes that are no valid event in the middle
 *     length                       end at the token limit
 *     refuse                       decline to answer
 *     uncounted: <text>            say it without telling the usage
 *
 * Without a script a prompt that names a bead is worked on for real: a file is written, committed and handed over. It keeps
 * no state: the step follows from the conversation itself. Pure.
 */

import type { Json } from '../wire/wire.ts';
import type { Conversation } from './conversation.ts';
import { type MadeCall, makeCall, type ToolCall } from './tools.ts';

export type Fault = 'fail' | 'cut' | 'stall' | 'hang' | 'garbage' | 'length' | 'refuse' | 'uncounted';

export interface Step {
  text: string;
  calls: ToolCall[];
  fault?: Fault;
  error?: { status: number; retrySeconds?: number };
}

export interface Plan {
  step: Step;
  think: string;
  waitMs: number;
  slowMs: number;
}

/** A plan as the agent at hand can follow it. */
export interface Turn extends Omit<Plan, 'step'> {
  step: Omit<Step, 'calls'>;
  calls: MadeCall[];
}

const BEAD = /godel-[a-z0-9]{5}/;
const BROKEN = 'This answer is cut off in the middle of a sentence, as answers sometimes are.';

type Pause = Partial<Pick<Plan, 'think' | 'waitMs' | 'slowMs'>>;

function otherCall(rest: string): ToolCall {
  const [, name = '', input = '{}'] = /^(\S+)\s*(.*)$/.exec(rest) ?? [];
  return { tool: 'call', name, input: JSON.parse(input || '{}') as Json };
}

function callIn(word: string, rest: string): ToolCall | undefined {
  if (word === 'bash') return { tool: 'bash', command: rest };
  if (word === 'read') return { tool: 'read', path: rest };
  if (word === 'call') return otherCall(rest);
  if (word !== 'write') return undefined;
  const [path = '', content = '""'] = rest.split(' <<< ');
  return { tool: 'write', path, content: JSON.parse(content) as string };
}

function faultIn(word: string, rest: string): Step | undefined {
  switch (word) {
    case 'error': {
      const [status = 500, retrySeconds] = rest.split(/\s+/).map(Number);
      const again = retrySeconds === undefined ? {} : { retrySeconds };
      return { text: '', calls: [], error: { status, ...again } };
    }
    case 'cut':
    case 'stall':
    case 'hang':
    case 'garbage':
    case 'length':
    case 'refuse':
    case 'fail':
    case 'uncounted':
      return { text: rest || BROKEN, calls: [], fault: word };
    default:
      return undefined;
  }
}

function stepIn(word: string, rest: string): Step | Pause | undefined {
  const call = callIn(word, rest);
  if (call) return { text: '', calls: [call] };
  if (word === 'say') return { text: rest, calls: [] };
  if (word === 'think') return { think: rest };
  if (word === 'wait') return { waitMs: Number(rest) };
  if (word === 'slow') return { slowMs: Number(rest) };
  return faultIn(word, rest);
}

const NO_PAUSE = { think: '', waitMs: 0, slowMs: 0 };

/** Steps of a script block, each with what stands before it. */
export function parseScript(text: string): Plan[] | undefined {
  // Prompts that came one after another may stand in one message: the last one counts.
  const block = [...text.matchAll(/^```demo\n([\s\S]*?)^```\s*$/gm)].at(-1)?.[1];
  if (block === undefined) return undefined;
  const plans: Plan[] = [];
  let pause = NO_PAUSE;
  for (const line of block.split('\n')) {
    const [, more, word = '', rest = ''] = /^(\+?)\s*(\w+):?\s*(.*)$/.exec(line.trim()) ?? [];
    const step = stepIn(word, rest);
    if (!step) continue;
    const last = plans.at(-1)?.step;
    if (!('calls' in step)) pause = { ...pause, ...step };
    else if (more === '+' && last) last.calls.push(...step.calls);
    else {
      plans.push({ step, ...pause });
      pause = NO_PAUSE;
    }
  }
  return plans;
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Believable work on a bead, with the tools every coding agent has. */
function workOn(bead: string, title: string): Plan[] {
  const note = `# ${title}\n\nWork on ${bead}.\n`;
  const commit = `git add -A && git commit -q -m ${quote(title)} && git log --oneline -1`;
  const steps: Step[] = [
    {
      text: `I look at the repository first, then work on “${title}”.`,
      calls: [{ tool: 'bash', command: 'git log --oneline -3 && ls' }],
    },
    { text: 'Now I write the change.', calls: [{ tool: 'write', path: `notes/${bead}.md`, content: note }] },
    { text: 'I commit it.', calls: [{ tool: 'bash', command: commit }] },
    { text: 'The work is committed; I hand it over for review.', calls: [{ tool: 'bash', command: 'godel done' }] },
    {
      text: `Done: ${title}. The change is committed on the branch of ${bead} and waits for a review.`,
      calls: [],
    },
  ];
  return steps.map((step) => ({ step, think: `The next step of “${title}”.`, waitMs: 150, slowMs: 15 }));
}

function plansFor(conversation: Conversation): Plan[] {
  const script = parseScript(conversation.prompt);
  if (script) return script;
  const bead = BEAD.exec(conversation.prompt)?.[0];
  if (bead && conversation.tools.length > 0) {
    const title = /^Title: (.+)$/m.exec(conversation.prompt)?.[1] ?? `Work on ${bead}`;
    return workOn(bead, title.trim());
  }
  const echo = conversation.prompt.replaceAll(/\s+/g, ' ').slice(0, 200);
  return [{ step: { text: `You said: ${echo}`, calls: [] }, ...NO_PAUSE, think: 'I only repeat it.' }];
}

/** The next step of the work; when the script is over, a closing word. */
export function nextTurn(conversation: Conversation): Turn {
  const plan = plansFor(conversation)[conversation.turns] ?? {
    step: { text: 'All steps are done.', calls: [] },
    ...NO_PAUSE,
  };
  const { calls: wanted, ...step } = plan.step;
  const calls = wanted.map((call) => makeCall(conversation.tools, call));
  const missing = wanted.find((_, at) => calls[at] === undefined);
  if (missing)
    return {
      ...plan,
      step: { text: `There is no tool named ${missing.tool === 'call' ? missing.name : missing.tool} here.` },
      calls: [],
    };
  return { ...plan, step, calls: calls.filter((call) => call !== undefined) };
}

/**
 * What the scripted provider does. A prompt may carry its own script in a fenced block named `demo`, one step a line:
 *
 *     bash: <command>              call the shell tool
 *     write: <path> <<< "<JSON string>"   call the write tool
 *     read: <path>                 call the read tool
 *     say: <text>                  end the turn with a text
 *     wait: <ms>                   answer the next step that much later
 *     slow: <ms>                   pause between the chunks of the next step
 *     error: <status>              answer the next request with that HTTP status
 *     cut                          break the stream off in the middle
 *
 * Without a script a prompt that names a bead is worked on for real: a file is written, committed and handed over. It keeps
 * no state: the step follows from the conversation itself. Pure.
 */
import type { Conversation } from './conversation.ts';

export type Step =
  | { kind: 'tool'; tool: 'bash' | 'write' | 'read'; input: Record<string, string>; text?: string }
  | { kind: 'say'; text: string }
  | { kind: 'error'; status: number }
  | { kind: 'cut' };

export interface Plan {
  step: Step;
  waitMs: number;
  slowMs: number;
}

const BEAD = /godel-[a-z0-9]{5}/;

function parseLine(line: string): Step | { waitMs: number } | { slowMs: number } | undefined {
  const [, word = '', rest = ''] = /^(\w+):?\s*(.*)$/.exec(line.trim()) ?? [];
  switch (word) {
    case 'bash':
      return { kind: 'tool', tool: 'bash', input: { command: rest } };
    case 'read':
      return { kind: 'tool', tool: 'read', input: { path: rest } };
    case 'write': {
      const [path = '', content = '""'] = rest.split(' <<< ');
      return { kind: 'tool', tool: 'write', input: { path, content: JSON.parse(content) as string } };
    }
    case 'say':
      return { kind: 'say', text: rest };
    case 'error':
      return { kind: 'error', status: Number(rest) };
    case 'cut':
      return { kind: 'cut' };
    case 'wait':
      return { waitMs: Number(rest) };
    case 'slow':
      return { slowMs: Number(rest) };
    default:
      return undefined;
  }
}

/** Steps of a script block, each with the pauses that stand before it. */
export function parseScript(text: string): Plan[] | undefined {
  const block = /^```demo\n([\s\S]*?)^```\s*$/m.exec(text)?.[1];
  if (block === undefined) return undefined;
  const plans: Plan[] = [];
  let [waitMs, slowMs] = [0, 0];
  for (const line of block.split('\n')) {
    const parsed = parseLine(line);
    if (!parsed) continue;
    if ('waitMs' in parsed) waitMs = parsed.waitMs;
    else if ('slowMs' in parsed) slowMs = parsed.slowMs;
    else {
      plans.push({ step: parsed, waitMs, slowMs });
      [waitMs, slowMs] = [0, 0];
    }
  }
  return plans;
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Believable work on a bead, with the tools every coding agent has. */
function workOn(bead: string, title: string): Plan[] {
  const note = `# ${title}\n\nWork on ${bead}.\n`;
  const steps: Step[] = [
    {
      kind: 'tool',
      tool: 'bash',
      input: { command: 'git log --oneline -3 && ls' },
      text: `I look at the repository first, then work on “${title}”.`,
    },
    {
      kind: 'tool',
      tool: 'write',
      input: { path: `notes/${bead}.md`, content: note },
      text: 'Now I write the change.',
    },
    {
      kind: 'tool',
      tool: 'bash',
      input: { command: `git add -A && git commit -q -m ${quote(title)} && git log --oneline -1` },
      text: 'I commit it.',
    },
    {
      kind: 'tool',
      tool: 'bash',
      input: { command: 'godel done' },
      text: 'The work is committed; I hand it over for review.',
    },
    { kind: 'say', text: `Done: ${title}. The change is committed on the branch of ${bead} and waits for a review.` },
  ];
  return steps.map((step) => ({ step, waitMs: 150, slowMs: 15 }));
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
  return [{ step: { kind: 'say', text: `You said: ${echo}` }, waitMs: 0, slowMs: 0 }];
}

/** The next step of the work; when the script is over, a closing word. */
export function nextStep(conversation: Conversation): Plan {
  const plans = plansFor(conversation);
  const plan = plans[conversation.turns] ?? {
    step: { kind: 'say' as const, text: 'All steps are done.' },
    waitMs: 0,
    slowMs: 0,
  };
  if (plan.step.kind !== 'tool') return plan;
  const { tool } = plan.step;
  const offered = conversation.tools.find((name) => name.toLowerCase() === tool);
  if (offered === undefined) return { ...plan, step: { kind: 'say', text: `There is no tool named ${tool} here.` } };
  return { ...plan, step: { ...plan.step, tool: offered as 'bash' } };
}

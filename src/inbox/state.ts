/** The life of an inbox item, the rules that answer, and the hours in which nobody is to be disturbed. Pure. */
import { nextStatus, type TransitionTable } from '../base/transition.ts';
import type { InboxItem, InboxRule, InboxStatus } from './schema.ts';

type InboxAction = 'answer' | 'close';

export const inboxTransitions = {
  open: { answer: 'answered', close: 'closed' },
  answered: {},
  closed: {},
} as const satisfies TransitionTable<InboxStatus, InboxAction>;

const table: TransitionTable<InboxStatus, InboxAction> = inboxTransitions;

export function nextInboxStatus(status: InboxStatus, action: InboxAction): InboxStatus | undefined {
  return nextStatus(table, status, action);
}

/** What lets one shell command run another, or write somewhere: never covered by a `*`. */
const SHELL_META = /[;&|<>$`(){}\n\r\\]/;

/**
 * True when a rule's pattern covers a command. Without a star it must be the very command; a star at the end
 * stands for further arguments, but never for a second command: `npm test *` does not cover `npm test; rm -rf /`.
 */
export function covers(pattern: string, command: string): boolean {
  const [wanted, asked] = [pattern.trim(), command.trim()];
  if (!wanted.endsWith('*')) return wanted === asked;
  const head = wanted.slice(0, -1);
  const plain = head.trimEnd();
  if (asked === plain && head !== plain) return true;
  return asked.startsWith(head) && !SHELL_META.test(asked.slice(head.length));
}

/** The rule that answers a permission question; a refusal beats an approval. */
export function ruleFor(rules: readonly InboxRule[], ask: Pick<InboxItem, 'tool' | 'command'>): InboxRule | undefined {
  const { command } = ask;
  if (command === undefined) return undefined;
  const fitting = rules.filter(
    (rule) =>
      (rule.tool === undefined || rule.tool.toLowerCase() === ask.tool?.toLowerCase()) && covers(rule.pattern, command),
  );
  return fitting.find((rule) => rule.answer === 'deny') ?? fitting[0];
}

/** The choice that means yes or no, in the words the agent offers. */
export function choiceFor(choices: readonly string[], answer: 'allow' | 'deny'): string {
  const words =
    answer === 'allow' ? ['allow', 'once', 'accept', 'approve', 'yes', 'y'] : ['deny', 'decline', 'reject', 'no', 'n'];
  const found = words.flatMap((word) => choices.filter((choice) => choice.toLowerCase() === word))[0];
  return found ?? answer;
}

/** The choice a person means: its text or a beginning of it, or its number counted from 1. */
export function pickChoice(choices: readonly string[], wanted: string): string | undefined {
  const exact = choices.find((choice) => choice.toLowerCase() === wanted.toLowerCase());
  if (exact !== undefined) return exact;
  if (/^\d+$/.test(wanted)) return choices[Number(wanted) - 1];
  const begun = choices.filter((choice) => choice.toLowerCase().startsWith(wanted.toLowerCase()));
  return begun.length === 1 ? begun[0] : undefined;
}

const HOURS = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)$/;

export function isHours(text: string): boolean {
  return text === '' || HOURS.test(text);
}

/** True when a time of day (minutes since midnight) lies in `22:00-07:00`; an empty text is never quiet. */
export function isQuiet(hours: string, minuteOfDay: number): boolean {
  const match = HOURS.exec(hours);
  if (!match) return false;
  const [from, to] = [Number(match[1]) * 60 + Number(match[2]), Number(match[3]) * 60 + Number(match[4])];
  return from <= to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to;
}

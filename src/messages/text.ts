/** Messages as prompts and as lists. Pure. */
import { table } from '../base/table.ts';
import type { Message } from './schema.ts';

/** Ids are ordered by time, so their ends tell messages apart. */
const short = ({ id }: Pick<Message, 'id'>) => id.slice(-6);

/** What the agent that gets it reads. */
export function messagePrompt(message: Pick<Message, 'from' | 'fromKind' | 'sentTo' | 'text'>): string {
  const { from, fromKind, sentTo, text } = message;
  const others = sentTo > 1 ? ` to ${sentTo} agents` : '';
  const answer = `If it needs an answer: godel message send ${from} "…"`;
  return [`Message from ${from}${others}:`, '', text, ...(fromKind === 'agent' ? ['', answer] : [])].join('\n');
}

export function sentText(items: readonly Message[]): string {
  const names = (found: readonly Message[]) => found.map(({ to }) => to).join(', ');
  const [kept, queued] = [items.filter(({ status }) => status === 'kept'), items.filter((m) => m.status !== 'kept')];
  return [
    ...(queued.length > 0 ? [`Sent to ${names(queued)}; it arrives when the turn ends.`] : []),
    ...(kept.length > 0 ? [`Kept for ${names(kept)}, who reads it with: godel message read`] : []),
  ].join('\n');
}

export function messagesText(items: readonly Message[]): string {
  if (items.length === 0) return 'No messages.';
  const rows = items.map((message) => [
    short(message),
    message.status,
    message.createdAt,
    message.from,
    message.to,
    message.text.slice(0, 80),
  ]);
  return table(['ID', 'STATUS', 'SENT', 'FROM', 'TO', 'TEXT'], rows);
}

export function messageText(message: Message): string {
  const { from, to, createdAt, status, text, sentTo } = message;
  const others = sentTo > 1 ? ` and ${sentTo - 1} more` : '';
  return `${short(message)}  ${from} to ${to}${others}, ${createdAt}, ${status}\n\n${text}`;
}

export const readText = (items: readonly Message[]): string =>
  items.length === 0 ? 'Nothing unread.' : items.map(messageText).join('\n\n');

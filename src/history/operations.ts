/** What can be asked about the past of a bead, and taking a change back. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { type HistoryEntry, historyEntrySchema } from './schema.ts';

const MOST_TEXT = 60;

function short(value: unknown): string {
  const text = value === undefined ? '-' : JSON.stringify(value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT - 1)}…` : text;
}

const entryText = (entry: HistoryEntry): string =>
  [
    `${entry.at}  ${entry.by}  ${entry.subject}  (${entry.commit.slice(0, 10)})`,
    ...entry.changes.map(({ field, from, to }) => `    ${field}: ${short(from)} -> ${short(to)}`),
  ].join('\n');

export const historyOperations = {
  beadHistory: operation({
    name: 'bead history',
    http: { method: 'GET', path: '/beads/:id/history' },
    summary: 'Show who changed what of a bead, and when, newest first',
    description:
      'Read from git (git log refs/godel/state -- <file>), so it holds changes of every clone and of deleted beads.',
    input: z.object({
      id: z.string().min(1).describe('Bead id, or a unique beginning of it; the full id of a deleted one'),
      limit: z.coerce.number().int().min(1).max(1000).default(50),
    }),
    output: z.object({ id: z.string(), items: z.array(historyEntrySchema) }),
    permission: 'bead:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead history godel-abc12'],
    text: ({ items }) => (items.length === 0 ? 'Nothing is known of its past.' : items.map(entryText).join('\n')),
  }),
  beadUndo: operation({
    name: 'bead undo',
    aliases: ['undo'],
    http: { method: 'POST', path: '/undo' },
    summary: 'Take back your last change of a bead',
    description:
      'Looks for your last change in the event log and puts back what was there before; what you changed with one bulk command comes back together. It is refused when somebody changed the same since. A note that is taken back loses its words in every clone; they stay in the history of git.',
    input: z.object({ id: z.string().optional().describe('Only a change of this bead') }),
    output: z.object({
      id: z.string(),
      ids: z.array(z.string()).describe('Every bead that was changed back'),
      event: z.string(),
      undone: z.string(),
    }),
    permission: 'bead:undo',
    args: ['id'],
    scope: 'project',
    examples: ['godel undo', 'godel undo godel-abc12'],
    text: ({ ids, undone }) => `Undone: ${undone} of ${ids.join(', ')}`,
  }),
} as const;

/** What can be asked about the commits of beads. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { commitLinkSchema } from './schema.ts';

const short = (commit: string | undefined) => commit?.slice(0, 10) ?? '';

export const commitOperations = {
  beadCommits: operation({
    name: 'bead commits',
    http: { method: 'GET', path: '/beads/:id/commits' },
    summary: 'List the commits of a bead, through amends, rebases and squashes',
    description:
      'A commit is known by what it changes, so its link holds when it gets another id on the way to the main branch.',
    input: z.object({ id: z.string().min(1).describe('Bead id, or a unique beginning of it') }),
    output: z.object({
      items: z.array(commitLinkSchema),
      squash: z.string().optional().describe('Commit of the main branch that holds the whole branch as one change'),
    }),
    permission: 'bead:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead commits godel-abc12'],
    text: ({ items, squash }) => {
      if (items.length === 0) return 'No commits.';
      const rows = items.map((item) => [
        short(item.commit),
        item.state,
        short(item.mainCommit ?? item.replacedBy),
        item.author,
        item.subject,
      ]);
      const list = table(['COMMIT', 'STATE', 'NOW', 'AUTHOR', 'SUBJECT'], rows);
      return squash === undefined ? list : `${list}\nAll of it is on the main branch as ${short(squash)}`;
    },
  }),
} as const;

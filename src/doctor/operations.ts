/** Checking and repairing what Godel keeps. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { findingSchema } from './schema.ts';

const MARK = { ok: 'ok      ', repaired: 'repaired', problem: 'PROBLEM ' } as const;

export const doctorOperations = {
  doctorRun: operation({
    name: 'doctor run',
    aliases: ['doctor'],
    http: { method: 'POST', path: '/doctor' },
    summary: 'Check databases, the record in git and what was set aside; --repair mends what can be mended',
    description:
      'Reads every file of refs/godel/state and compares it with the database. A repair never deletes: what is missing or unreadable in git is written again from the database, what is missing in the database is read from git.',
    input: z.object({ repair: z.boolean().default(false).describe('Mend what can be mended, and say what was done') }),
    output: z.object({ healthy: z.boolean(), findings: z.array(findingSchema) }),
    permission: 'doctor:run',
    scope: 'home',
    examples: ['godel doctor', 'godel doctor --repair'],
    text: ({ healthy, findings }) =>
      [
        ...findings.map(
          ({ status, check, project, detail }) =>
            `${MARK[status]}  ${(project ? `${project}: ` : '') + check}${detail ? `  ${detail}` : ''}`,
        ),
        healthy ? 'Nothing is left to mend.' : 'godel doctor --repair mends what can be mended.',
      ].join('\n'),
  }),
} as const;

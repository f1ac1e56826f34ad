/** What can be done with convoys. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { table } from '../base/table.ts';
import { beadTable } from '../beads/text.ts';
import { convoyReportSchema, convoySchema, convoyStatusSchema, listedConvoySchema, type Progress } from './schema.ts';
import { estimateText } from './state.ts';

const id = z.string().min(1).describe('Convoy id, a unique beginning of it, or its name');
const beads = z.array(z.string()).describe('Bead ids');

function progressText({ done, total, percent, inProgress, review, blocked }: Progress): string {
  const rest = [
    ...(inProgress > 0 ? [`${inProgress} in progress`] : []),
    ...(review > 0 ? [`${review} in review`] : []),
    ...(blocked > 0 ? [`${blocked} blocked`] : []),
  ];
  return `${done} of ${total} done (${percent} %)${rest.length > 0 ? `, ${rest.join(', ')}` : ''}`;
}

export const convoyOperations = {
  convoyCreate: operation({
    name: 'convoy create',
    http: { method: 'POST', path: '/convoys', status: 201 },
    summary: 'Bundle beads into a convoy',
    input: z.object({
      name: z.string().min(1).max(200),
      beads: beads.default([]),
      description: z.string().max(20_000).optional(),
    }),
    output: convoySchema,
    permission: 'convoy:create',
    args: ['name', 'beads'],
    scope: 'project',
    examples: ['godel convoy create "Sprint 1" godel-abc12 godel-def34'],
    text: (convoy) => `Created convoy ${convoy.id}`,
  }),
  convoyList: operation({
    name: 'convoy list',
    http: { method: 'GET', path: '/convoys' },
    summary: 'List convoys',
    input: z.object({ status: convoyStatusSchema.optional(), ...pageInput }),
    output: pageOf(listedConvoySchema),
    permission: 'convoy:read',
    scope: 'project',
    examples: ['godel convoy list'],
    text: (page) =>
      page.items.length === 0
        ? 'No convoys. godel convoy create "…" <beads> makes one.'
        : table(
            ['ID', 'STATUS', 'DONE', 'BLOCKED', 'NAME'],
            page.items.map(({ id, status, progress, name }) => [
              id,
              status,
              `${progress.done}/${progress.total}`,
              String(progress.blocked),
              name,
            ]),
          ),
  }),
  convoyStatus: operation({
    name: 'convoy status',
    http: { method: 'GET', path: '/convoys/:id' },
    summary: 'Show a convoy with its beads and progress',
    input: z.object({ id }),
    output: convoyReportSchema,
    permission: 'convoy:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel convoy status convoy-20261121-abc'],
    text: ({ convoy, beads: members, progress, estimate }) =>
      [
        `${convoy.id} ${convoy.name}`,
        `status      ${convoy.status}`,
        `progress    ${progressText(progress)}`,
        `estimate    ${estimateText(estimate)}`,
        ...(members.length > 0 ? ['', beadTable(members)] : []),
      ].join('\n'),
  }),
  convoyAdd: operation({
    name: 'convoy add',
    http: { method: 'POST', path: '/convoys/:id/beads' },
    summary: 'Add beads to a convoy',
    input: z.object({ id, beads: beads.min(1) }),
    output: convoySchema,
    permission: 'convoy:update',
    args: ['id', 'beads'],
    scope: 'project',
    examples: ['godel convoy add "Sprint 1" godel-abc12'],
    text: (convoy) => `${convoy.id} has ${convoy.beads.length} beads`,
  }),
  convoyRemove: operation({
    name: 'convoy remove',
    http: { method: 'POST', path: '/convoys/:id/remove' },
    summary: 'Take beads out of a convoy',
    input: z.object({ id, beads: beads.min(1) }),
    output: convoySchema,
    permission: 'convoy:update',
    args: ['id', 'beads'],
    scope: 'project',
    examples: ['godel convoy remove "Sprint 1" godel-abc12'],
    text: (convoy) => `${convoy.id} has ${convoy.beads.length} beads`,
  }),
  convoyArchive: operation({
    name: 'convoy archive',
    http: { method: 'POST', path: '/convoys/:id/archive' },
    summary: 'Put a convoy away; its beads stay as they are',
    input: z.object({ id }),
    output: convoySchema,
    permission: 'convoy:update',
    args: ['id'],
    scope: 'project',
    examples: ['godel convoy archive "Sprint 1"'],
    text: (convoy) => `Archived convoy ${convoy.id}`,
  }),
  convoyRestore: operation({
    name: 'convoy restore',
    http: { method: 'POST', path: '/convoys/:id/restore' },
    summary: 'Take an archived convoy back; its status follows its beads again',
    input: z.object({ id }),
    output: convoySchema,
    permission: 'convoy:update',
    args: ['id'],
    scope: 'project',
    examples: ['godel convoy restore "Sprint 1"'],
    text: (convoy) => `${convoy.id} is ${convoy.status}`,
  }),
} as const;

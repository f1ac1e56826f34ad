/** What can be done with worktrees and with snapshots of uncommitted work. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import {
  removalSchema,
  repairSchema,
  type SharedFile,
  sharedFileSchema,
  snapshotSchema,
  type Worktree,
  worktreeSchema,
} from './schema.ts';
import { sizeText } from './state.ts';

const beadId = z.string().min(1).describe('Bead id, or a unique beginning of it');
const dryRun = z.boolean().default(false).describe('Only tell what would be done');
const bytes = z.number().int();

const stateOf = (tree: Worktree) => (tree.state === 'ready' ? (tree.dirty ? 'dirty' : 'clean') : tree.state);
const portsOf = (tree: Worktree) => (tree.ports ? `${tree.ports.base}-${tree.ports.end}` : '-');
const sizeOf = (size: number | undefined) => (size === undefined ? '-' : sizeText(size));

const fileTable = (files: readonly SharedFile[]) =>
  table(
    ['ACTION', 'WHAT', 'PATH', 'NOTE'],
    files.map((file) => [file.there ? 'keep' : file.action, file.kind, file.path, file.note ?? '']),
  );

function removalText(items: readonly z.infer<typeof removalSchema>[], none: string): string {
  if (items.length === 0) return none;
  const rows = items.map((item) => [
    item.beadId,
    item.removed ? 'removed' : item.kept === undefined ? 'would go' : 'kept',
    sizeOf(item.bytes),
    item.kept ?? item.reason,
  ]);
  return table(['BEAD', 'WHAT', 'SIZE', 'WHY'], rows);
}

const look = {
  worktreeList: operation({
    name: 'worktree list',
    http: { method: 'GET', path: '/worktrees' },
    summary: 'List worktrees of beads',
    input: z.object({}),
    output: z.object({ items: z.array(worktreeSchema) }),
    permission: 'worktree:read',
    scope: 'project',
    examples: ['godel worktree list'],
    text: ({ items }) =>
      items.length === 0
        ? 'No worktrees. godel worktree create <bead> makes one, and so does an agent.'
        : table(
            ['BEAD', 'HEAD', 'STATE', 'PORTS', 'SIZE', 'PATH'],
            items.map((tree) => [
              tree.beadId,
              tree.head.slice(0, 10),
              tree.lock === undefined ? stateOf(tree) : `${stateOf(tree)}, locked`,
              portsOf(tree),
              sizeOf(tree.bytes),
              tree.path,
            ]),
          ),
  }),
  worktreeShow: operation({
    name: 'worktree show',
    http: { method: 'GET', path: '/worktrees/:bead' },
    summary: 'Show the worktree of a bead: state, ports, environment, shared files, newest snapshot',
    input: z.object({ bead: beadId }),
    output: z.object({
      worktree: worktreeSchema,
      environment: z.record(z.string(), z.string()).describe('Variables that are set in it'),
      files: z.array(sharedFileSchema),
      snapshot: snapshotSchema.optional(),
      activity: z.string().optional().describe('What is being done with it right now'),
    }),
    permission: 'worktree:read',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree show godel-abc12'],
    text: ({ worktree, environment, files, snapshot, activity }) =>
      [
        `${worktree.beadId} ${activity ?? stateOf(worktree)} at ${worktree.path}`,
        `branch ${worktree.branch}, head ${worktree.head.slice(0, 10)}, size ${sizeOf(worktree.bytes)}`,
        ...(worktree.lock === undefined ? [] : [`locked: ${worktree.lock || 'no reason given'}`]),
        ...(worktree.sparse ? [`only ${worktree.sparse.join(', ')} checked out`] : []),
        ...Object.entries(environment).map(([key, value]) => `${key}=${value}`),
        ...files.map((file) => `${file.action === 'link' ? 'linked' : 'copied'} ${file.path}`),
        ...(snapshot ? [`last snapshot ${snapshot.commit.slice(0, 10)}, ${snapshot.files.length} files`] : []),
      ].join('\n'),
  }),
  worktreeLogs: operation({
    name: 'worktree logs',
    http: { method: 'GET', path: '/worktrees/:bead/logs' },
    summary: 'Show the output of the set-up or teardown command',
    input: z.object({
      bead: z.string().min(1).describe('Bead id, or the name of a worktree of the pool'),
      hook: z.enum(['setup', 'teardown']).default('setup').describe('Command whose output is shown'),
      offset: z.coerce.number().int().min(0).default(0).describe('Byte to begin at; `next` of the answer before'),
    }),
    output: z.object({
      text: z.string(),
      next: z.number().int(),
      file: z.string(),
      running: z.boolean(),
      run: z.number().int().describe('Counts the runs of this command; a new one begins its log anew'),
    }),
    permission: 'worktree:read',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree logs godel-abc12', 'godel worktree logs godel-abc12 --follow'],
    text: ({ text }) => text.trimEnd(),
  }),
  worktreeUsage: operation({
    name: 'worktree usage',
    http: { method: 'GET', path: '/worktrees/usage' },
    summary: 'Measure the disk space of worktrees',
    input: z.object({}),
    output: z.object({
      items: z.array(z.object({ beadId: z.string(), bytes, path: z.string() })),
      pool: bytes,
      trash: bytes,
      gates: bytes,
      total: bytes,
      quota: bytes.optional(),
    }),
    permission: 'worktree:read',
    scope: 'project',
    examples: ['godel worktree usage'],
    text: ({ items, pool, trash, gates, total, quota }) =>
      table(
        ['WHAT', 'SIZE', 'PATH'],
        [
          ...items.map((item) => [item.beadId, sizeText(item.bytes), item.path]),
          ['pool', sizeText(pool), ''],
          ['trash', sizeText(trash), ''],
          ['gates', sizeText(gates), ''],
          ['total', sizeText(total), quota === undefined ? 'no quota' : `of ${sizeText(quota)}`],
        ],
      ),
  }),
  worktreePool: operation({
    name: 'worktree pool',
    http: { method: 'POST', path: '/worktrees/pool' },
    summary: 'Show the worktrees kept ready for new beads, or fill the pool now',
    input: z.object({ fill: z.boolean().default(false).describe('Fill it now and wait') }),
    output: z.object({
      size: z.number().int(),
      items: z.array(z.object({ path: z.string(), ready: z.boolean() })),
    }),
    permission: 'worktree:update',
    scope: 'project',
    examples: ['godel worktree pool', 'godel worktree pool --fill'],
    text: ({ size, items }) =>
      items.length === 0
        ? `The pool is empty; pool_size is ${size}.`
        : table(
            ['STATE', 'PATH'],
            items.map((item) => [item.ready ? 'ready' : 'to be cleaned', item.path]),
          ),
  }),
  worktreeSnapshots: operation({
    name: 'worktree snapshots',
    http: { method: 'GET', path: '/worktrees/:bead/snapshots' },
    summary: 'List the snapshots of uncommitted work of a bead',
    input: z.object({ bead: beadId }),
    output: z.object({ items: z.array(snapshotSchema) }),
    permission: 'worktree:read',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree snapshots godel-abc12'],
    text: ({ items }) =>
      items.length === 0
        ? 'No snapshots.'
        : table(
            ['COMMIT', 'TAKEN', 'FILES'],
            items.map((item) => [item.commit.slice(0, 10), item.createdAt, item.files.join(' ')]),
          ),
  }),
} as const;

const act = {
  worktreeCreate: operation({
    name: 'worktree create',
    http: { method: 'POST', path: '/worktrees' },
    summary: 'Make the worktree of a bead and run the set-up command in it',
    description: 'Shows the output of the set-up command while it runs; ctrl-c cancels it and takes everything back.',
    input: z.object({
      bead: beadId,
      base: z.string().min(1).optional().describe('Branch or commit a new bead branch starts from'),
      sparse: z.array(z.string().min(1)).optional().describe('Check out only this folder; may be given again'),
      dryRun,
    }),
    output: z.object({
      created: z.boolean(),
      worktree: worktreeSchema.optional(),
      plan: z.object({
        path: z.string(),
        branch: z.string(),
        base: z.string(),
        warm: z.boolean().describe('A worktree of the pool is used'),
        sparse: z.array(z.string()),
        setup: z.string(),
        files: z.array(sharedFileSchema),
      }),
    }),
    permission: 'worktree:update',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree create godel-abc12', 'godel worktree create godel-abc12 --dry-run'],
    text: ({ created, worktree, plan }) => {
      if (worktree) return `${created ? 'Made' : 'Already there:'} ${worktree.path}`;
      const from = plan.warm ? 'a worktree of the pool' : 'a new worktree';
      const lines = [`Would take ${from} for ${plan.path} (${plan.branch} from ${plan.base})`];
      if (plan.sparse.length > 0) lines.push(`Would check out only ${plan.sparse.join(', ')}`);
      if (plan.files.length > 0) lines.push(fileTable(plan.files));
      if (plan.setup !== '') lines.push(`Would run ${plan.setup}`);
      return lines.join('\n');
    },
  }),
  worktreeSetup: operation({
    name: 'worktree setup',
    http: { method: 'POST', path: '/worktrees/:bead/setup' },
    summary: 'Run the set-up command of a worktree again',
    input: z.object({ bead: beadId }),
    output: z.object({ beadId: z.string(), command: z.string() }),
    permission: 'worktree:update',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree setup godel-abc12'],
    text: ({ beadId: bead, command }) =>
      command === '' ? 'There is no setup_command.' : `Set up ${bead} with ${command}`,
  }),
  worktreeCancel: operation({
    name: 'worktree cancel',
    http: { method: 'POST', path: '/worktrees/:bead/cancel' },
    summary: 'End the set-up or teardown command that runs for a bead',
    input: z.object({ bead: beadId }),
    output: z.object({ beadId: z.string(), cancelled: z.boolean() }),
    permission: 'worktree:update',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree cancel godel-abc12'],
    text: ({ beadId: bead, cancelled }) => (cancelled ? `Cancelled for ${bead}` : `Nothing runs for ${bead}`),
  }),
  worktreeFiles: operation({
    name: 'worktree files',
    http: { method: 'POST', path: '/worktrees/:bead/files' },
    summary: 'Copy and link the ignored files of copy_patterns and link_patterns that are missing',
    input: z.object({ bead: beadId, dryRun }),
    output: z.object({ beadId: z.string(), files: z.array(sharedFileSchema), dryRun: z.boolean() }),
    permission: 'worktree:update',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree files godel-abc12 --dry-run'],
    text: ({ files }) => (files.length === 0 ? 'No ignored file matches the patterns.' : fileTable(files)),
  }),
  worktreeSnapshot: operation({
    name: 'worktree snapshot',
    http: { method: 'POST', path: '/worktrees/:bead/snapshots', status: 201 },
    summary: 'Keep the uncommitted work of a bead in git, under refs/godel/wip/<bead>',
    input: z.object({ bead: beadId, reason: z.string().min(1).max(200).default('asked for').describe('Kept with it') }),
    output: z.object({ beadId: z.string(), commit: z.string().optional() }),
    permission: 'worktree:snapshot',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree snapshot godel-abc12 --reason "before the big change"'],
    text: ({ beadId: bead, commit }) =>
      commit ? `Kept ${bead} in ${commit.slice(0, 10)}` : `Nothing new to keep in ${bead}`,
  }),
  worktreeRestore: operation({
    name: 'worktree restore',
    http: { method: 'POST', path: '/worktrees/:bead/restore' },
    summary: 'Bring a worktree back, with its uncommitted work',
    description: 'Makes the worktree again when it is gone. What is there now is snapshotted first.',
    input: z.object({
      bead: beadId,
      commit: z.string().optional().describe('Snapshot to restore; the newest when left out'),
    }),
    output: z.object({ worktree: worktreeSchema, snapshot: snapshotSchema.optional() }),
    permission: 'worktree:update',
    args: ['bead', 'commit'],
    scope: 'project',
    examples: ['godel worktree restore godel-abc12'],
    text: ({ worktree, snapshot }) =>
      snapshot
        ? `Restored ${snapshot.files.length} files of ${worktree.beadId} into ${worktree.path}`
        : `${worktree.path} is there; it had no snapshot to restore`,
  }),
  worktreeRemove: operation({
    name: 'worktree remove',
    http: { method: 'DELETE', path: '/worktrees/:bead' },
    summary: 'Remove the worktree of a bead; branch, commits and uncommitted work are kept in git',
    input: z.object({
      bead: beadId,
      force: z.stringbool().or(z.boolean()).default(false).describe('Leave the teardown command out'),
    }),
    output: z.object({
      beadId: z.string(),
      snapshot: z.string().optional().describe('Commit that holds what was uncommitted'),
    }),
    permission: 'worktree:update',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree remove godel-abc12'],
    text: ({ beadId: bead, snapshot }) =>
      snapshot
        ? `Removed the worktree of ${bead}; uncommitted work is kept in ${snapshot.slice(0, 10)}`
        : `Removed the worktree of ${bead}`,
  }),
  worktreePrune: operation({
    name: 'worktree prune',
    http: { method: 'POST', path: '/worktrees/prune' },
    summary: 'Remove the worktrees that the clean-up policy lets go',
    description: 'The policy is worktree_cleanup. What has no reachable ref gets one first, or stays.',
    input: z.object({ dryRun }),
    output: z.object({ items: z.array(removalSchema) }),
    permission: 'worktree:update',
    scope: 'project',
    examples: ['godel worktree prune --dry-run'],
    text: ({ items }) => removalText(items, 'Nothing to prune.'),
  }),
  worktreeReclaim: operation({
    name: 'worktree reclaim',
    http: { method: 'POST', path: '/worktrees/reclaim' },
    summary: 'Remove worktrees without an agent until the rest fits',
    input: z.object({
      toGb: z.coerce.number().min(0).optional().describe('Size to come down to; the quota when left out, else 0'),
      all: z.boolean().default(false).describe('Also those of unfinished beads; restore brings them back'),
      dryRun,
    }),
    output: z.object({ items: z.array(removalSchema) }),
    permission: 'worktree:update',
    scope: 'project',
    examples: ['godel worktree reclaim --to-gb 5 --dry-run'],
    text: ({ items }) => removalText(items, 'Nothing to reclaim.'),
  }),
  worktreeRepair: operation({
    name: 'worktree repair',
    http: { method: 'POST', path: '/worktrees/repair' },
    summary: 'Mend worktrees that were moved, cut short, locked or forgotten',
    input: z.object({
      bead: beadId.optional(),
      path: z.string().min(1).optional().describe('Where the worktree of the bead was moved to; it is brought back'),
    }),
    output: z.object({ items: z.array(repairSchema) }),
    permission: 'worktree:update',
    args: ['bead'],
    scope: 'project',
    examples: ['godel worktree repair', 'godel worktree repair godel-abc12 --path ../moved'],
    text: ({ items }) =>
      items.length === 0
        ? 'Everything is as it should be.'
        : table(
            ['WHAT', 'FOUND', 'DONE'],
            items.map((item) => [item.subject, item.found, item.done]),
          ),
  }),
} as const;

export const worktreeOperations = { ...look, ...act } as const;

/** What can be done with projects, worktrees and snapshots. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { projectSchema, snapshotSchema, worktreeSchema } from './schema.ts';

const beadId = z.string().min(1).describe('Bead id, or a unique beginning of it');

export const repoOperations = {
  projectInit: operation({
    name: 'project init',
    aliases: ['init'],
    http: { method: 'POST', path: '/projects', status: 201 },
    summary: 'Make Godel know this repository',
    description: 'Adds nothing to your branches, index or config; state is kept under refs/godel/.',
    input: z.object({
      path: z.string().optional().describe('Folder inside the repository; the current one when left out'),
    }),
    output: z.object({ project: projectSchema, created: z.boolean(), beads: z.number().int() }),
    permission: 'project:create',
    args: ['path'],
    scope: 'home',
    examples: ['godel init'],
    text: ({ project, created, beads }) =>
      `${created ? 'Initialised' : 'Already known:'} ${project.name} (main branch ${project.mainBranch}, ${beads} beads)`,
  }),
  projectList: operation({
    name: 'project list',
    http: { method: 'GET', path: '/projects' },
    summary: 'List known repositories',
    input: z.object({}),
    output: z.object({ items: z.array(projectSchema) }),
    permission: 'project:read',
    scope: 'home',
    examples: ['godel project list'],
    text: ({ items }) =>
      items.length === 0
        ? 'No projects. godel init inside a repository adds one.'
        : table(
            ['NAME', 'MAIN', 'PATH'],
            items.map((project) => [project.name, project.mainBranch, project.path]),
          ),
  }),
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
        ? 'No worktrees.'
        : table(
            ['BEAD', 'HEAD', 'STATE', 'PATH'],
            items.map((tree) => [
              tree.beadId,
              tree.head.slice(0, 10),
              tree.exists ? (tree.dirty ? 'dirty' : 'clean') : 'missing',
              tree.path,
            ]),
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
    input: z.object({ bead: beadId }),
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
} as const;

/** What can be done with projects. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { projectSchema } from './schema.ts';

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
} as const;

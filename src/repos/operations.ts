/** What can be done with projects. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { shellQuote } from '../base/shell.ts';
import { table } from '../base/table.ts';
import { projectSchema, type Suggestion, suggestionSchema } from './schema.ts';

/** Ready to be copied into a shell. */
function suggestionText({ file, setupCommand, proofCommand }: Suggestion): string {
  const settings = [
    ...(setupCommand === undefined ? [] : [`godel config set setup_command ${shellQuote(setupCommand)}`]),
    ...(proofCommand === undefined ? [] : [`godel config set proof_command ${shellQuote(proofCommand)}`]),
  ];
  if (settings.length === 0) return 'Nothing in this repository tells how to set it up or test it.';
  return [`Read from ${file ?? 'Makefile'}:`, ...settings].join('\n');
}

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
  projectSuggest: operation({
    name: 'project suggest',
    http: { method: 'GET', path: '/projects/suggestion' },
    summary: 'Suggest how to set up and test this repository',
    description:
      'Read from the files of the main branch (lock files, test scripts, Makefile). Nothing is run or changed.',
    input: z.object({}),
    output: suggestionSchema,
    permission: 'project:read',
    scope: 'project',
    examples: ['godel project suggest'],
    text: suggestionText,
  }),
} as const;

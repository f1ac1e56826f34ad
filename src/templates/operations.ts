/** Templates of beads. A bead is made of one by `bead create --template`. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { type Template, type TemplateBead, templateSchema } from './schema.ts';

const problemSchema = z.object({ file: z.string(), problem: z.string() });

function beadLines(bead: TemplateBead, depth: number): string[] {
  const waits = bead.blockedBy.length > 0 ? ` (waits for ${bead.blockedBy.join(', ')})` : '';
  const key = bead.key === undefined ? '' : `${bead.key}: `;
  const first = `${'  '.repeat(depth)}- ${key}${bead.title} [${bead.type}, ${bead.priority}]${waits}`;
  return [first, ...(bead.children ?? []).flatMap((child) => beadLines(child, depth + 1))];
}

function templateText(template: Template): string {
  const variables = Object.entries(template.variables).map(([name, { description, default: value }]) =>
    `  ${name}${value === undefined ? ' (needed)' : ` = ${value}`}  ${description}`.trimEnd(),
  );
  return [
    template.name,
    ...(template.description ? [template.description] : []),
    ...(variables.length > 0 ? ['', 'variables', ...variables] : []),
    '',
    ...beadLines(template.bead, 0),
  ].join('\n');
}

export const templateOperations = {
  templateList: operation({
    name: 'template list',
    http: { method: 'GET', path: '/templates' },
    summary: 'List the templates of the project',
    input: z.object({}),
    output: z.object({ items: z.array(templateSchema), problems: z.array(problemSchema) }),
    permission: 'bead:read',
    scope: 'project',
    examples: ['godel template list'],
    text: ({ items, problems }) =>
      [
        items.length === 0
          ? 'No templates. Put one into .godel/templates/<name>.yaml.'
          : table(
              ['NAME', 'BEADS', 'DESCRIPTION'],
              items.map((item) => [item.name, String(item.beads), item.description]),
            ),
        ...problems.map(({ file, problem }) => `${file} cannot be used: ${problem}`),
      ].join('\n'),
  }),
  templateShow: operation({
    name: 'template show',
    http: { method: 'GET', path: '/templates/:name' },
    summary: 'Show the beads and variables of a template',
    input: z.object({ name: z.string() }),
    output: templateSchema,
    permission: 'bead:read',
    args: ['name'],
    scope: 'project',
    examples: ['godel template show release'],
    text: templateText,
  }),
} as const;

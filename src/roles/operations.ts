/** What can be done with roles. */
import { z } from 'zod';
import { toolSchema } from '../agents/schema.ts';
import { operation } from '../base/operation.ts';
import { type Role, roleNameSchema, roleSchema } from './schema.ts';
import { rolesText, roleText } from './text.ts';

const name = roleNameSchema.describe('Name of the role');
const problemSchema = z.object({ file: z.string(), problem: z.string() });

/** What create and update take; what is left out stays as it is. */
const fields = {
  description: z.string().max(500).optional(),
  prompt: z.string().max(50_000).optional().describe('What the agent is told to be'),
  promptFile: z.string().max(50_000).optional().meta({ file: true }).describe('The same from a file, or - for input'),
  runtime: z.string().optional().describe('Program; none = the one of the project'),
  provider: z.string().optional(),
  model: z.string().optional().describe('fast, smart, an alias, a model or provider/model; none = that of the project'),
  tools: z.array(toolSchema).optional().describe('What it may use of its program: read, edit, shell, web'),
  allow: z.array(z.string()).optional().describe("Permission beside an agent's usual, for example agent:create"),
  deny: z.array(z.string()).optional().describe('Permission that is taken away'),
  minutes: z.coerce.number().positive().optional().describe('Most minutes at work'),
  budget: z.coerce.number().positive().optional().describe('Most that one agent may spend, in USD'),
  calls: z.coerce.number().int().positive().optional().describe('Most requests to models in one life'),
  memory: z.coerce.number().positive().optional().describe('Most memory of one agent with all it starts, in MB'),
  processes: z.coerce
    .number()
    .int()
    .positive()
    .optional()
    .describe('Most processes and threads of it with all it starts'),
  agents: z.coerce.number().int().positive().optional().describe('Agents of this role at the same time'),
};

const said = (word: string) => (role: Role) => `${word} role ${role.name} (${role.file ?? role.origin})`;

export const roleOperations = {
  roleList: operation({
    name: 'role list',
    http: { method: 'GET', path: '/roles' },
    summary: 'List the roles that agents can have, and what is wrong with files that cannot be used',
    input: z.object({}),
    output: z.object({ items: z.array(roleSchema), problems: z.array(problemSchema) }),
    permission: 'role:read',
    scope: 'project',
    examples: ['godel role list'],
    text: ({ items, problems }) => rolesText(items, problems),
  }),
  roleShow: operation({
    name: 'role show',
    http: { method: 'GET', path: '/roles/:name' },
    summary: 'Show a role: prompt, runtime, model, tools, permissions, limits',
    input: z.object({ name }),
    output: roleSchema.extend({
      notEnforced: z.array(z.string()).describe('Runtimes that cannot take the tools away that it may not use'),
    }),
    permission: 'role:read',
    args: ['name'],
    scope: 'project',
    examples: ['godel role show reviewer'],
    text: (role) => roleText(role, role.notEnforced),
  }),
  roleCreate: operation({
    name: 'role create',
    http: { method: 'POST', path: '/roles', status: 201 },
    summary: 'Write a role down, in the project or in the home',
    description:
      'The file is .godel/roles/<name>.yaml of the project, or roles/<name>.yaml of the home with --user. A role with the name of a built-in one takes its place.',
    input: z.object({
      name,
      from: roleNameSchema.optional().describe('Begin with a copy of this role'),
      user: z.boolean().default(false).describe('For all projects of this user'),
      ...fields,
    }),
    output: roleSchema,
    permission: 'role:write',
    args: ['name'],
    scope: 'project',
    examples: ['godel role create security --from reviewer --model smart --prompt-file security.md'],
    text: said('Created'),
  }),
  roleUpdate: operation({
    name: 'role update',
    http: { method: 'PATCH', path: '/roles/:name' },
    summary: 'Change a role; comments of its file are kept',
    input: z.object({ name, ...fields }),
    output: roleSchema,
    permission: 'role:write',
    args: ['name'],
    scope: 'project',
    examples: ['godel role update security --budget 3 --minutes 30'],
    text: said('Updated'),
  }),
  roleDelete: operation({
    name: 'role delete',
    http: { method: 'DELETE', path: '/roles/:name' },
    summary: 'Remove the file of a role; a built-in role of the same name counts again',
    input: z.object({ name }),
    output: roleSchema,
    permission: 'role:write',
    args: ['name'],
    scope: 'project',
    examples: ['godel role delete security'],
    text: said('Deleted'),
  }),
} as const;

/** Roles: what an agent is told to be, which program and model it runs on, and what it may do. */
import { z } from 'zod';
import { toolSchema } from '../agents/schema.ts';
import { limitSetSchema } from '../costs/schema.ts';

/** Agents are named after their role, so a role's name leaves room for a number. */
export const roleNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,29}$/, 'a name is lower-case letters, digits and dashes, at most 30');

const permission = z
  .string()
  .regex(/^[a-z]+:(\*|[a-z]+)$/, 'a permission is written as noun:action or noun:*, for example agent:create');

export const roleLimitsSchema = limitSetSchema.extend({
  minutes: z.number().positive().optional().describe('Most minutes at work; then it is paused and a person asked'),
  budget_usd: z.number().positive().optional().describe('Most that one agent may spend'),
  memory_mb: z.number().positive().optional().describe('Most memory of one agent with all it starts'),
  processes: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Most processes and threads of one agent with all it starts'),
  agents: z.number().int().positive().optional().describe('Agents of this role at the same time, in one project'),
});

/** The form of .godel/roles/<name>.yaml and $GODEL_HOME/roles/<name>.yaml. */
export const roleFileSchema = z.strictObject({
  description: z.string().max(500).default(''),
  prompt: z
    .string()
    .max(50_000)
    .default('')
    .describe('What the agent is told to be; {{agent}}, {{bead}}, {{title}} and others are filled in'),
  runtime: z.string().min(1).optional().describe("Program; the project's when left out"),
  provider: z.string().min(1).optional(),
  model: z.string().min(1).optional().describe('A tier (fast, smart), an alias, a model, or provider/model'),
  tools: z.array(toolSchema).optional().describe('What it may use of its program; everything when left out'),
  permissions: z
    .strictObject({ allow: z.array(permission).default([]), deny: z.array(permission).default([]) })
    .default({ allow: [], deny: [] })
    .describe("What it may do with Godel beside, or less than, an agent's usual"),
  limits: roleLimitsSchema.strict().default({}),
});
export type RoleFile = z.infer<typeof roleFileSchema>;

export const roleSchema = roleFileSchema.extend({
  name: roleNameSchema,
  origin: z.enum(['project', 'user', 'built-in']),
  file: z.string().optional().describe('Where it is written down; absent for a role that is built in'),
});
export type Role = z.infer<typeof roleSchema>;

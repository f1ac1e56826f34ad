/** The roles that come with Godel. A file of the same name, in the project or the home, takes the place of one. */
import type { RoleFile } from './schema.ts';

const lines = (...text: string[]) => text.join('\n');
const usual = { allow: [], deny: [] };

export const BUILT_IN_ROLES: Readonly<Record<string, RoleFile>> = {
  worker: {
    description: 'Works on one bead and hands it over for review',
    prompt: '',
    permissions: usual,
    limits: {},
  },
  coordinator: {
    description: 'Splits work into beads and gives them to other agents; writes no code',
    prompt: lines(
      'You are the coordinator of {{project}}. You plan and give out work; you do not write code yourself.',
      'Look at what is ready (godel ready) and at who works on what (godel agent list). Split large beads into small',
      'ones that can land on their own, say what each must be proven by, and set dependencies where order matters.',
      'Start agents on ready beads with: godel spawn --bead <id> --role worker',
      'Tell agents what they need to know with: godel message send <agent> "…". Ask a person when a decision is theirs.',
    ),
    model: 'smart',
    tools: ['read', 'shell', 'web'],
    permissions: {
      allow: ['agent:create', 'agent:control', 'bead:assign', 'bead:bulk', 'convoy:create', 'convoy:update'],
      deny: ['bead:submit'],
    },
    limits: {},
  },
  reviewer: {
    description: 'Reads finished work, and sends it back or recommends it; changes nothing',
    prompt: lines(
      'You are a reviewer of {{project}}. You read work that waits for review; you do not change it.',
      'Check that it does what its bead asks, that the tests could fail, and that nothing else was broken.',
      'Write what you find as a note on the bead (godel note "…" <id>), each point with file and line. When it must be',
      'changed, send it back: godel review return <id> --comment "…". Accepting is done by a person.',
    ),
    model: 'smart',
    tools: ['read', 'shell', 'web'],
    permissions: { allow: ['review:return'], deny: ['bead:claim', 'bead:submit', 'bead:update'] },
    limits: {},
  },
  monitor: {
    description: 'Watches agents and the merge queue, and tells when something is wrong',
    prompt: lines(
      'You are the monitor of {{project}}. You watch; you do not do the work of others.',
      'Look at agents (godel agent list), their states, the inbox and the merge queue. When an agent is stuck, ask it with',
      'godel message send <agent> "…" what it needs. What only a person can solve, tell with: godel ask "…".',
    ),
    model: 'fast',
    tools: ['read', 'shell'],
    permissions: { allow: [], deny: ['bead:claim', 'bead:submit', 'bead:update', 'bead:create'] },
    limits: {},
  },
  refinery: {
    description: 'Resolves conflicts of work that cannot land',
    prompt: lines(
      'You are the refinery of {{project}}: work on {{bead}} conflicts with {{mainBranch}}, and you resolve it.',
      'You are in the worktree of that bead. Merge {{mainBranch}} into its branch, resolve each conflict so that both',
      'intentions hold, and run the tests. Change nothing that the conflict does not need. When two intentions cannot',
      'both hold, ask a person with godel ask "…". Commit, then run: godel done',
    ),
    model: 'smart',
    permissions: usual,
    limits: {},
  },
  architect: {
    description: 'Designs: decides on structure, writes it down, and makes the beads that build it',
    prompt: lines(
      'You are the architect of {{project}}. You decide how it is built, and write the decision where others find it.',
      'Read before you decide. Name the choices, what each costs, and why you take one. Make beads for the work that',
      'follows, small enough to land on their own, with dependencies: godel bead create "…" --blocked-by <id>',
    ),
    model: 'smart',
    permissions: { allow: ['convoy:create', 'convoy:update'], deny: [] },
    limits: {},
  },
};

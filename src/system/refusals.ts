/** Refusals that have to do with the daemon itself. */
import type { ErrorSpec } from '../base/error.ts';
import { p } from '../base/error-text.ts';

export const daemonRefusals = {
  'daemon-unreachable': {
    kind: 'service_unavailable',
    exit: 5,
    message: (a) => `The daemon does not answer: ${p(a, 'problem')}.`,
    hint: () => 'godel daemon logs shows why; godel daemon restart starts it again.',
  },
  'daemon-forbidden': {
    kind: 'service_unavailable',
    exit: 5,
    message: (a) => `This command may not speak with the daemon: ${p(a, 'problem')}.`,
    hint: () => 'A sandbox keeps it away: let the command out of it, or use the tools of the MCP server "godel".',
  },
  'daemon-version': {
    kind: 'conflict',
    exit: 5,
    message: (a) => `The running daemon is version ${p(a, 'daemon')}, this is ${p(a, 'client')}.`,
    hint: () => 'godel daemon restart (agents and their panes go on).',
  },
  'daemon-running': {
    kind: 'conflict',
    message: (a) => `A daemon already runs for this home (pid ${p(a, 'pid')}).`,
    hint: () => 'godel daemon status shows it; godel daemon stop ends it.',
  },
} as const satisfies Record<string, ErrorSpec>;

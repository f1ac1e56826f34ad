/** Refusals about roles. Pure. */
import type { ErrorSpec } from '../base/error.ts';
import { list, p } from '../base/error-text.ts';

export const roleRefusals = {
  'role-not-found': {
    kind: 'not_found',
    message: (a) => `There is no role "${p(a, 'role')}".`,
    hint: (a) => `Roles: ${list(a, 'known')}. godel role create ${p(a, 'role')} --from worker makes it.`,
  },
  'role-invalid': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `The role in ${p(a, 'file')} cannot be used: ${p(a, 'problem')}.`,
    hint: (a) => p(a, 'hint') || 'Correct the file; it is read again at once.',
  },
  'role-exists': {
    kind: 'conflict',
    message: (a) => `There is a role "${p(a, 'role')}" already, in ${p(a, 'file')}.`,
    hint: (a) => `godel role update ${p(a, 'role')} changes it.`,
  },
  'role-built-in': {
    kind: 'conflict',
    message: (a) => `The role "${p(a, 'role')}" is built in and has no file of its own to change.`,
    hint: (a) => `godel role create ${p(a, 'role')} --from ${p(a, 'role')} makes one that takes its place.`,
  },
  'role-forbids': {
    kind: 'forbidden',
    message: (a) => `${p(a, 'actor')} is a ${p(a, 'role')}, and that role may not do "${p(a, 'operation')}".`,
    hint: (a) =>
      a.isGrantable
        ? `Ask a person to do it: godel ask "…". A role that may has the permission ${p(a, 'permission')}.`
        : 'That is for people: godel ask "…" asks one.',
  },
  'role-escalates': {
    kind: 'forbidden',
    message: (a) =>
      `${p(a, 'actor')} may not start a ${p(a, 'role')}: agents start only what may do less than themselves.`,
    hint: () => 'Start a worker, or ask a person: godel ask "…"',
  },
  'role-full': {
    kind: 'conflict',
    message: (a) => `The role ${p(a, 'role')} takes ${p(a, 'limit')} agents at a time, and ${list(a, 'agents')} run.`,
    hint: (a) =>
      `Stop one (godel agent stop <name>), or raise it: godel role update ${p(a, 'role')} --agents ${Number(a.limit) + 1}`,
  },
} as const satisfies Record<string, ErrorSpec>;

/** Refusals of the work graph; part of the one table in src/errors.ts. */
import type { ErrorSpec } from '../base/error.ts';
import { list, p, refusalsText, way, whoHolds } from '../base/error-text.ts';

export const beadRefusals = {
  'cycle-refused': {
    kind: 'conflict',
    message: (a) => `That would be a cycle: ${way(a)}.`,
    hint: (a) => `godel bead show ${p(a, 'id')} shows its links; godel bead unlink takes one away.`,
  },
  'bead-blocked': {
    kind: 'conflict',
    message: (a) =>
      a.problem
        ? `${p(a, 'id')} is not started: what it waits for could not be read (${p(a, 'problem')}).`
        : `${p(a, 'id')} waits for ${list(a, 'blockers')}.`,
    hint: (a) => `godel bead ready lists what waits for nothing; --force begins on ${p(a, 'id')} all the same.`,
  },
  'bead-claimed': {
    kind: 'conflict',
    message: (a) => `${p(a, 'id')} is held by ${p(a, 'holder')} until ${p(a, 'until')}.`,
    hint: () => 'godel bead claim without an id takes another one; --force takes this one from its holder.',
  },
  'lease-lost': {
    kind: 'conflict',
    message: (a) => `Refused: you no longer hold ${p(a, 'id')}. ${whoHolds(a)}`,
    hint: (a) => `godel bead claim ${p(a, 'id')} takes it again; nothing was changed.`,
  },
  'bulk-refused': {
    kind: 'conflict',
    message: (a) => `Nothing was changed: ${refusalsText(a)}`,
    hint: () => 'Leave those out, or change them first; either all beads are changed or none.',
  },
  'template-not-found': {
    kind: 'not_found',
    message: (a) => `There is no template "${p(a, 'name')}".`,
    hint: () => 'godel template list shows the names; templates lie in .godel/templates.',
  },
  'template-invalid': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `${p(a, 'file')} cannot be used: ${p(a, 'problem')}.`,
    hint: () => 'godel template list names every file with a problem.',
  },
  'nothing-ready': {
    kind: 'not_found',
    message: () => 'No bead is ready that nobody has.',
    hint: () => 'godel bead list --blocked shows what waits; godel bead create "…" makes one.',
  },
} as const satisfies Record<string, ErrorSpec>;

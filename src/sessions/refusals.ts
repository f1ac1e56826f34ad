/** Refusals that are about sessions and checkpoints. */
import type { ErrorSpec } from '../base/error.ts';
import { p } from '../base/error-text.ts';

export const sessionRefusals = {
  'session-not-found': {
    kind: 'not_found',
    message: (a) => `There is no session "${p(a, 'id')}" in this project.`,
    hint: () => 'godel session list --all shows the ids; the name of an agent or a bead id stands for its newest one.',
  },
  'checkpoint-not-found': {
    kind: 'not_found',
    message: (a) => `There is no checkpoint "${p(a, 'id')}" in this project.`,
    hint: () => 'godel checkpoint list shows names and ids.',
  },
  'checkpoint-name-taken': {
    kind: 'conflict',
    message: (a) => `A checkpoint of this project is named "${p(a, 'name')}" already.`,
    hint: (a) => `Choose another name, or delete that one: godel checkpoint delete ${p(a, 'name')}`,
  },
  'session-not-native': {
    kind: 'not_found',
    message: (a) => `${p(a, 'runtime')} keeps no file of the session ${p(a, 'id')} that could be given as it is.`,
    hint: (a) => `godel session export ${p(a, 'id')} --format json gives its turns.`,
  },
  'turn-not-found': {
    kind: 'not_found',
    message: (a) => `The session ${p(a, 'session')} has no turn "${p(a, 'id')}".`,
    hint: (a) => `godel session tree ${p(a, 'session')} shows its turns.`,
  },
  'session-move-failed': {
    kind: 'internal_error',
    message: (a) => `The session of ${p(a, 'name')} could not be put elsewhere: ${p(a, 'problem')}.`,
    hint: (a) => `What was there before is kept: godel checkpoint restore ${p(a, 'checkpoint')}`,
  },
  'runner-unknown': {
    kind: 'not_found',
    message: (a) => `There is no runner "${p(a, 'runner')}" here.`,
    hint: (a) => `Runners: ${p(a, 'known')}. Leave --runner out to stay on ${p(a, 'known')}.`,
  },
  'nothing-to-compact': {
    kind: 'conflict',
    message: (a) => `The conversation of ${p(a, 'name')} has nothing that could be made shorter.`,
    hint: (a) => `godel session show ${p(a, 'name')} tells how long it is.`,
  },
  'session-moving': {
    kind: 'conflict',
    message: (a) => `The session of ${p(a, 'name')} is being put elsewhere right now.`,
    hint: (a) => `Wait a moment, then: godel session show ${p(a, 'name')}`,
  },
} as const satisfies Record<string, ErrorSpec>;

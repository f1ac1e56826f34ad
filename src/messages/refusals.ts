/** Refusals about messages. Pure. */
import type { ErrorSpec } from '../base/error.ts';
import { p } from '../base/error-text.ts';

export const messageRefusals = {
  'message-not-found': {
    kind: 'not_found',
    message: (a) => `There is no message "${p(a, 'id')}" for you in this project.`,
    hint: () => 'godel message list shows the ids.',
  },
  'message-nobody': {
    kind: 'not_found',
    message: (a) => `Nobody is there to get it: ${p(a, 'problem')}.`,
    hint: () => 'godel agent list shows who runs. To a person: godel ask "…"',
  },
  'message-loop': {
    kind: 'conflict',
    message: (a) =>
      `It was not sent: ${p(a, 'hops')} messages between agents led to it without a person or progress between.`,
    hint: () => 'Go on with your own work and commit it, or ask a person: godel ask "…"',
  },
  'message-rate': {
    kind: 'rate_limited',
    message: (a) => `It was not sent: ${p(a, 'name')} has sent ${p(a, 'limit')} messages in the last minute.`,
    hint: () => 'Say it in one message, in a minute.',
  },
} as const satisfies Record<string, ErrorSpec>;

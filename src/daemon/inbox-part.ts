/** The inbox with everything its answers set going. */
import { createInbox, type Inbox } from '../inbox/service.ts';
import { createInboxAnswers, type InboxAnswersOptions } from './inbox-answers.ts';
import { isQuietNow } from './notify.ts';

export function createInboxPart(options: InboxAnswersOptions): Inbox {
  const { core } = options;
  return createInbox({
    database: core.database,
    units: core.units,
    answer: createInboxAnswers(options),
    awaited: (agentId, { id: item, title: text, choices, createdAt }) =>
      options.parts.observation.asks(agentId, {
        question: { item, kind: 'question', text, choices: [...choices] },
        sinceMs: Date.parse(createdAt),
      }),
    async isLoud() {
      const { config } = await core.config.daemon();
      return config.notify_bell && !isQuietNow(config, core.clock.now());
    },
    log: core.log,
  });
}

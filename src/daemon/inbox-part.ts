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
    async isLoud() {
      const { config } = await core.config.daemon();
      return config.notify_bell && !isQuietNow(config, core.clock.now());
    },
    log: core.log,
  });
}

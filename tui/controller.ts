/** From key to effect: looks the key up, says why not, or runs its action. */

import { messageOf } from '../src/base/error.ts';
import { boardHandlers } from './actions.ts';
import type { ActionContext } from './ask.ts';
import { archiveConvoy } from './convoy-actions.ts';
import { answerInWords, answerItem, dismissItem, giveAlways, giveChoice, goToAsker } from './inbox-actions.ts';
import { type ActionName, bindingOf, type CallAction, callActions, keymap } from './keymap.ts';
import { NEWLINE_KEYS, typing } from './keymap-text.ts';
import { typedBy } from './keys.ts';
import { clean } from './model/text.ts';
import type { UiAction } from './model/ui.ts';
import type { Surroundings } from './ports.ts';
import { recordingHandlers } from './recording-actions.ts';
import { confirmedMove, sessionHandlers } from './session-actions.ts';
import type { Store } from './store.ts';
import { scrollLimit } from './views/panels.ts';
import { worktreeHandlers } from './worktree-actions.ts';

export interface Controller {
  press(key: string): void;
  paste(text: string): void;
}

export const callHandlers: Readonly<Record<CallAction, (context: ActionContext) => void | Promise<void>>> = {
  ...boardHandlers,
  giveChoice,
  giveAlways,
  answerInWords,
  dismissItem,
  goToAsker,
  ...recordingHandlers,
  ...worktreeHandlers,
  ...sessionHandlers,
  archiveConvoy,
};

const isCall = (action: ActionName): action is CallAction => (callActions as readonly string[]).includes(action);

export function createController(store: Store, surroundings: Surroundings): Controller {
  const context: ActionContext = {
    ...surroundings,
    store,
    runAction: (action) => run(action as ActionName),
    confirmedMove: (action, targets) => confirmedMove(context, action, targets),
    answerItem: (id, answer) => answerItem(context, id, answer),
  };

  const refuse = (text: string) => store.dispatch({ type: 'toast', toast: { kind: 'bad', text } });

  function run(action: ActionName): void {
    const { name } = store.get().mode;
    const binding = keymap.find((one) => one.action === action && one.modes.includes(name));
    const reason = binding?.disabledReason?.(store.get());
    if (reason !== undefined) {
      refuse(reason);
      return;
    }
    if (!isCall(action)) {
      store.dispatch({ type: 'ui', action: action as UiAction });
      // Only the view knows how long a text is.
      if ('scroll' in store.get().mode) store.dispatch({ type: 'limit', scroll: scrollLimit(store.get()) });
      return;
    }
    void Promise.resolve(callHandlers[action](context)).catch((error: unknown) => refuse(clean(messageOf(error))));
  }

  return {
    press(key) {
      const { name } = store.get().mode;
      const binding = bindingOf(name, key);
      if (binding) return run(binding.action);
      if (!typing.includes(name)) return;
      if (NEWLINE_KEYS.includes(key)) return store.dispatch({ type: 'insert', text: '\n', lines: true });
      const text = typedBy(key);
      if (text !== undefined) store.dispatch({ type: 'insert', text });
    },
    paste(text) {
      const { name } = store.get().mode;
      if (typing.includes(name)) store.dispatch({ type: 'insert', text, lines: true });
      else refuse('Pasted text is not taken as keys; press n first to make a bead of it');
    },
  };
}

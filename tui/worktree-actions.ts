/** The worktrees of the project on the board, as they are at this moment. */
import { operations } from '../src/operations.ts';
import { type ActionContext, ask } from './ask.ts';

const TITLE = 'worktree list';

async function showWorktrees(context: ActionContext): Promise<void> {
  const { store } = context;
  const panel = { name: 'output', title: TITLE, scroll: 0 } as const;
  store.dispatch({ type: 'mode', mode: { ...panel, text: '', running: true } });
  const list = await ask(context, 'worktreeList', {}, TITLE);
  const { mode } = store.get();
  // Somebody who has left the panel meanwhile is not brought back.
  if (mode.name !== 'output' || mode.title !== TITLE) return;
  const text = list ? (operations.worktreeList.text?.(list) ?? '') : 'The worktrees could not be read.';
  store.dispatch({ type: 'mode', mode: { ...panel, text, running: false } });
}

export const worktreeHandlers = { showWorktrees };

/** The review popup as a program: loads the diff, shows it, carries out the verdict. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GodelError, messageOf } from '../../src/base/error.ts';
import { createFrames } from '../frames.ts';
import { NEWLINE_KEYS } from '../keymap-text.ts';
import { typedBy } from '../keys.ts';
import type { BoardClient } from '../ports.ts';
import { createModelStore, type ModelStore } from '../store.ts';
import { showScreen, sizeOf } from '../terminal.tsx';
import { wantsColors } from '../theme.ts';
import { createHighlighter } from './highlight.ts';
import { isTyping, type ReviewCall, reviewBindingOf } from './keymap.ts';
import {
  initialReview,
  type ReviewMessage,
  type ReviewModel,
  type ReviewUi,
  reduceReview,
  reviewUi,
  type TreeCheck,
  type Verdict,
} from './model.ts';
import { parseDiff } from './patch.ts';
import { paintReview } from './view.ts';

export interface ReviewOptions {
  readonly beadId: string;
  readonly client: Pick<BoardClient, 'call'>;
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Where exported patches go. */
  readonly folder: string;
  /** Tree of a commit, undefined when it cannot be told here. */
  readonly treeOf: (commit: string, worktree: string | undefined) => Promise<string | undefined>;
}

type ReviewStore = ModelStore<ReviewModel, ReviewMessage>;

function refusal(error: unknown): Verdict {
  const title = messageOf(error);
  if (!(error instanceof GodelError)) return { kind: 'refused', title, lines: [] };
  const files = Array.isArray(error.params.files) ? error.params.files.map((file) => `  ${String(file)}`) : [];
  const log =
    typeof error.params.logFile === 'string' && !error.hint.includes(error.params.logFile)
      ? [`Log: ${error.params.logFile}`]
      : [];
  return { kind: 'refused', title, lines: [...files, ...log, `→ ${error.hint}`, '', 'Nothing was landed.'] };
}

async function checkTree(store: ReviewStore, options: ReviewOptions): Promise<void> {
  const { bead, diff } = store.get();
  const proof = bead?.proof;
  if (!bead || !diff || !proof) return;
  let tree: TreeCheck = proof.commit === diff.head ? 'same' : 'unknown';
  if (tree === 'unknown') {
    const actual = await options.treeOf(diff.head, bead.worktree);
    if (actual !== undefined) tree = actual === proof.treeHash ? 'same' : 'differs';
  }
  store.dispatch({ type: 'tree', tree });
}

async function load(store: ReviewStore, options: ReviewOptions): Promise<void> {
  const { client, beadId } = options;
  try {
    const [bead, diff] = await Promise.all([
      client.call('beadShow', { id: beadId }),
      client.call('reviewDiff', { id: beadId }),
    ]);
    store.dispatch({ type: 'loaded', bead, diff, parsed: parseDiff(diff) });
    await checkTree(store, options);
  } catch (error) {
    store.dispatch({
      type: 'problem',
      text: messageOf(error),
      ...(error instanceof GodelError ? { hint: error.hint } : {}),
    });
  }
}

async function decide(store: ReviewStore, label: string, work: () => Promise<Verdict>): Promise<void> {
  store.dispatch({ type: 'running', label });
  try {
    store.dispatch({ type: 'verdict', verdict: await work() });
  } catch (error) {
    store.dispatch({ type: 'verdict', verdict: refusal(error) });
  } finally {
    store.dispatch({ type: 'running' });
  }
}

function accept(store: ReviewStore, { client, beadId }: ReviewOptions): Promise<void> {
  return decide(store, 'gate running', async () => {
    const { commit, gate } = await client.call('reviewAccept', { id: beadId });
    if (commit === undefined) {
      return {
        kind: 'landed',
        title: 'In the merge queue',
        lines: ['It lands when its gate passes.', '', 'q closes.'],
      };
    }
    const gateText = gate?.command
      ? `Gate: ${gate.command} → exit ${gate.exitCode} in ${Math.round(gate.durationMs)} ms`
      : 'No gate command is set.';
    return { kind: 'landed', title: `Landed as ${commit.slice(0, 10)}`, lines: [gateText, '', 'q closes.'] };
  });
}

async function sendBack(store: ReviewStore, { client, beadId }: ReviewOptions): Promise<void> {
  const { mode } = store.get();
  if (mode.name !== 'comment') return;
  const comment = mode.input.text.trim();
  if (comment === '')
    return store.dispatch({ type: 'toast', toast: { kind: 'bad', text: 'A comment is needed; Esc cancels' } });
  store.dispatch({ type: 'ui', action: 'back' });
  await decide(store, 'sending back', async () => {
    const { bead, delivery } = await client.call('reviewReturn', { id: beadId, comment });
    const where =
      delivery === 'queued'
        ? `The comment goes to ${bead.agent}.`
        : 'No agent is running: the comment waits for the next one.';
    return { kind: 'returned', title: `${bead.id} is in progress again`, lines: [where, '', 'q closes.'] };
  });
}

async function exportPatch(store: ReviewStore, options: ReviewOptions): Promise<void> {
  const { mode, diff } = store.get();
  if (mode.name !== 'export' || !diff) return;
  const file = resolve(options.folder, mode.input.text.trim());
  store.dispatch({ type: 'ui', action: 'back' });
  try {
    await writeFile(file, diff.patch, { flag: 'wx' });
    store.dispatch({
      type: 'toast',
      toast: { kind: 'good', text: `Wrote ${file}${diff.truncated ? ' (the patch is cut: it was too large)' : ''}` },
    });
  } catch (error) {
    const text =
      error instanceof Error && 'code' in error && error.code === 'EEXIST'
        ? `${file} exists already; nothing was written`
        : messageOf(error);
    store.dispatch({ type: 'toast', toast: { kind: 'bad', text } });
  }
}

/** One wake a second while something runs or a toast shows; none at rest. */
function startReviewTicker(store: ReviewStore): () => void {
  let timer: NodeJS.Timeout | undefined;
  const plan = () => {
    const { running, toast } = store.get();
    if (!running && !toast) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(() => store.dispatch({ type: 'tick' }), 1_000);
  };
  const unsubscribe = store.subscribe(plan);
  return () => {
    clearInterval(timer);
    unsubscribe();
  };
}

/** Shows the popup until it is closed. */
export async function runReview(options: ReviewOptions): Promise<void> {
  const { stdout, stdin, now } = options;
  const store: ReviewStore = createModelStore(initialReview(options.beadId, sizeOf(stdout), now()), reduceReview, now);
  const highlighter = createHighlighter();
  const colors = wantsColors(options.env);
  const resized = () => store.dispatch({ type: 'resize', size: sizeOf(stdout) });
  stdout.on('resize', resized);
  const calls: Readonly<Record<ReviewCall, () => void>> = {
    accept: () => void accept(store, options),
    sendBack: () => void sendBack(store, options),
    exportPatch: () => void exportPatch(store, options),
    close: () => app.unmount(),
  };
  const press = (key: string) => {
    const { mode } = store.get();
    const binding = reviewBindingOf(mode.name, key);
    if (!binding) {
      const text = NEWLINE_KEYS.includes(key) ? '\n' : typedBy(key);
      if (isTyping(mode.name) && text !== undefined) store.dispatch({ type: 'insert', text });
      return;
    }
    const reason = binding.disabledReason?.(store.get());
    if (reason !== undefined) return store.dispatch({ type: 'toast', toast: { kind: 'bad', text: reason } });
    if (binding.action in reviewUi) store.dispatch({ type: 'ui', action: binding.action as ReviewUi });
    else calls[binding.action as ReviewCall]();
  };
  const source = createFrames(store, (model) => paintReview(model, highlighter, colors));
  const app = showScreen(
    { source, onKey: press, onPaste: (text) => store.dispatch({ type: 'insert', text }) },
    stdout,
    stdin,
  );
  const stopTicker = startReviewTicker(store);
  void load(store, options);
  await app.waitUntilExit();
  stdout.off('resize', resized);
  stopTicker();
}

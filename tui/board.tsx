/** The board as a program: store, connection, keys, screen. Everything it needs is an argument. */
import { createConnection } from './connection.ts';
import { createController } from './controller.ts';
import { createFrames } from './frames.ts';
import { initialModel, setupStart } from './model/state.ts';
import type { Surroundings } from './ports.ts';
import { startFilterSearch } from './search.ts';
import { createStore } from './store.ts';
import { clipboardSequence, showScreen, sizeOf } from './terminal.tsx';
import { wantsColors } from './theme.ts';
import { startTicker } from './ticker.ts';
import { paintFrame } from './views/frame.ts';

export interface BoardOptions extends Omit<Surroundings, 'copy' | 'exit' | 'rememberSetup'> {
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Whether the first questions were answered or skipped before. */
  readonly wasSetupAsked: (projectId: string) => boolean;
  readonly rememberSetup: (projectId: string) => void;
}

export interface Board {
  /** Settles when the board was left. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export function startBoard(options: BoardOptions): Board {
  const { stdout, stdin, env, now, client } = options;
  const store = createStore(initialModel(sizeOf(stdout), now()), now);
  const resized = () => store.dispatch({ type: 'resize', size: sizeOf(stdout) });
  // Before ink's own listener, so that ink never draws the old size.
  stdout.on('resize', resized);
  const colors = wantsColors(env);
  const source = createFrames(store, (model) => paintFrame(model, colors));
  const rememberSetup = () => {
    const { project } = store.get();
    if (project) options.rememberSetup(project.id);
  };
  const controller = createController(store, {
    client,
    runCli: options.runCli,
    copy: (text) => stdout.write(clipboardSequence(text)),
    rememberSetup,
    // Inside tmux the pane belongs to the layout: the board stays.
    ...(env.TMUX ? {} : { exit: () => app.unmount() }),
  });
  const app = showScreen({ source, onKey: controller.press, onPaste: controller.paste }, stdout, stdin);
  const ticker = startTicker(store, now);
  let isFirst = true;
  const connection = createConnection({
    client,
    store,
    now,
    onBell: () => stdout.write('\u0007'),
    onSnapshot: (snapshot) => {
      const isAsked = !isFirst || !snapshot.needsSetup || options.wasSetupAsked(snapshot.project.id);
      isFirst = false;
      if (!isAsked && store.get().mode.name === 'board') store.dispatch({ type: 'mode', mode: setupStart });
    },
  });
  const search = startFilterSearch(client, store);
  connection.start();
  const ended = app.waitUntilExit().then(async () => {
    stdout.off('resize', resized);
    ticker.stop();
    search.stop();
    await connection.stop();
  });
  return {
    ended,
    async stop() {
      app.unmount();
      await ended;
    },
  };
}

/** The terminal: ink's input on the alternate screen, rows written by ourselves, size, clipboard. */
import { render } from 'ink';
import type { Size } from './model/state.ts';
import { Keys, type KeysProps } from './views/keys.tsx';
import type { ScreenSource } from './views/screen-source.ts';
import { createScreenWriter } from './writer.ts';

export interface ScreenProps extends KeysProps {
  readonly source: ScreenSource;
}

export interface ShownScreen {
  unmount(): void;
  waitUntilExit(): Promise<void>;
}

/** Size of a terminal; one that does not say (0x0 happens in a session made without a client) counts as 80x24. */
export function sizeOf(stdout: Pick<NodeJS.WriteStream, 'columns' | 'rows'>): Size {
  return { columns: stdout.columns || 80, rows: stdout.rows || 24 };
}

/** Draws until unmounted. Background rates are the store's business. */
export function showScreen(
  { source, ...keys }: ScreenProps,
  stdout: NodeJS.WriteStream,
  stdin: NodeJS.ReadStream,
  onPainted?: () => void,
): ShownScreen {
  const app = render(<Keys {...keys} />, {
    stdout,
    stdin,
    alternateScreen: true,
    interactive: true,
    exitOnCtrlC: false,
  });
  const writer = createScreenWriter(source, (text) => stdout.write(text), onPainted);
  // After ink's own listener, which clears what it believes to be its own.
  const redraw = () => writer.redraw();
  stdout.on('resize', redraw);
  const stop = () => {
    writer.stop();
    stdout.off('resize', redraw);
  };
  return {
    unmount() {
      stop();
      app.unmount();
    },
    async waitUntilExit() {
      await app.waitUntilExit();
      stop();
      stdout.write('\u001b[?25h');
    },
  };
}

/** OSC 52: the terminal puts `text` on its clipboard, through tmux and SSH. */
export function clipboardSequence(text: string): string {
  return `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`;
}

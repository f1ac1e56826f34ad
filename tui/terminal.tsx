/** The terminal: ink on the alternate screen, size, clipboard. */
import { type Instance, render } from 'ink';
import type { Size } from './model/state.ts';
import { Screen, type ScreenProps } from './views/screen.tsx';

/** Size of a terminal; one that does not say (0x0 happens in a session made without a client) counts as 80x24. */
export function sizeOf(stdout: Pick<NodeJS.WriteStream, 'columns' | 'rows'>): Size {
  return { columns: stdout.columns || 80, rows: stdout.rows || 24 };
}

/** Draws until unmounted. Background rates are the store's business; 60 frames keep held keys smooth. */
export function showScreen(props: ScreenProps, stdout: NodeJS.WriteStream, stdin: NodeJS.ReadStream): Instance {
  return render(<Screen {...props} />, {
    stdout,
    stdin,
    alternateScreen: true,
    incrementalRendering: true,
    maxFps: 60,
    interactive: true,
    exitOnCtrlC: false,
  });
}

/** OSC 52: the terminal puts `text` on its clipboard, through tmux and SSH. */
export function clipboardSequence(text: string): string {
  return `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`;
}

/** A terminal without a program: what a tape, or a test, says that it wrote comes out of it. */
import type { IPty } from 'node-pty';
import type { Entry } from './corpus.ts';

const ESCAPE = '\u001b';

/** The terminal of a program with a face. */
export function createScreen(): {
  terminal: () => IPty;
  feed(entry: Entry): void;
  /** What was typed into it, one write each. */
  written: string[];
} {
  const written: string[] = [];
  let exit: ((event: { exitCode: number }) => void) | undefined;
  let data: (output: string) => void = () => {};
  const terminal = {
    onData: (listener: typeof data) => {
      data = listener;
    },
    onExit: (listener: typeof exit) => {
      exit = listener;
    },
    write: (keys: string) => void written.push(keys),
    kill: () => {},
  } as unknown as IPty;
  return {
    written,
    terminal: () => terminal,
    feed(entry) {
      if ('ended' in entry) exit?.({ exitCode: entry.ended });
      else if ('titled' in entry) data(`${ESCAPE}]0;${entry.titled}\u0007`);
      else if ('pastes' in entry) data(`${ESCAPE}[?2004h`);
    },
  };
}

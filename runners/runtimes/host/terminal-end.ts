/** How a program in a terminal ends: by itself, which is told, or because it is asked to. */
import { setTimeout as delay } from 'node:timers/promises';
import type { IPty } from 'node-pty';

/** How long (ms) a program may take to end by itself. */
const STOP_MS = 5_000;

/** Resolves when the program has ended, after its exit code was told, as a shell gives it. */
export function untilEnded(pty: IPty, tell: (exitCode: number) => void): Promise<void> {
  return new Promise((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      resolve();
      tell(exitCode || (signal ? 128 + signal : 0));
    });
  });
}

export async function endTerminal(pty: IPty | undefined, ended: Promise<void>): Promise<void> {
  pty?.kill('SIGTERM');
  await Promise.race([ended, delay(STOP_MS)]);
  pty?.kill('SIGKILL');
}

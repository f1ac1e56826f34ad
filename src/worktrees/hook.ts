/**
 * Set-up and teardown commands. Their output goes straight to a log file, so it can be followed while they run and
 * is there after a crash. They take as long as they take, and can be cancelled with everything they started.
 */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';

export type HookName = 'setup' | 'teardown';

export interface HookSpec {
  command: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  logFile: string;
  /** Milliseconds; 0 means no limit. */
  timeoutMs: number;
  signal: AbortSignal;
}

export interface HookEnd {
  code: number | null;
  /** Why it was ended, when it did not end by itself. */
  ended?: 'cancelled' | 'timeout';
}

const GRACE_MS = 3_000;

/** Signals the whole process group of a command; one that is gone is no error. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Everything of it has ended already.
  }
}

/** Runs a command to its end. Rejects only when no shell can be started. */
export async function runHook(spec: HookSpec): Promise<HookEnd> {
  const log = await open(spec.logFile, 'w', 0o600);
  try {
    await log.write(`$ ${spec.command}\n`);
    return await new Promise<HookEnd>((resolve, reject) => {
      const child = spawn('sh', ['-c', spec.command], {
        cwd: spec.cwd,
        env: spec.env,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      });
      let ended: HookEnd['ended'];
      const timers: NodeJS.Timeout[] = [];
      const end = (why: NonNullable<HookEnd['ended']>) => {
        if (ended !== undefined) return;
        ended = why;
        signalGroup(child.pid, 'SIGTERM');
        timers.push(setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS));
      };
      const cancel = () => end('cancelled');
      if (spec.timeoutMs > 0) timers.push(setTimeout(() => end('timeout'), spec.timeoutMs));
      spec.signal.addEventListener('abort', cancel, { once: true });
      if (spec.signal.aborted) cancel();
      const settle = () => {
        for (const timer of timers) clearTimeout(timer);
        spec.signal.removeEventListener('abort', cancel);
        // What a cancelled command left in its group has had its warning.
        if (ended !== undefined) signalGroup(child.pid, 'SIGKILL');
      };
      child.on('error', (error) => {
        settle();
        reject(error);
      });
      child.on('exit', (code) => {
        settle();
        resolve({ code, ...(ended === undefined ? {} : { ended }) });
      });
    });
  } finally {
    await log.close();
  }
}

/** A part of a log, for following it: text from `offset` and where to go on. */
export async function readLog(file: string, offset: number, maxBytes: number): Promise<{ text: string; next: number }> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return { text: '', next: 0 };
  try {
    const { size } = await handle.stat();
    // A log that became shorter was begun anew.
    const from = offset > size ? 0 : offset;
    const length = Math.min(maxBytes, size - from);
    const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(length), position: from, length });
    return { text: buffer.subarray(0, bytesRead).toString('utf8'), next: from + bytesRead };
  } finally {
    await handle.close();
  }
}

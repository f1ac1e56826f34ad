/** One `git fast-import` as it runs: pieces of a stream go in, lines that it answers come out. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gitEnvironment } from './git.ts';

/** Longest time (ms) an answer may take. */
const TIMEOUT_MS = 60_000;
/** Longest time (ms) it may take to end. */
const END_MS = 10_000;
/** Characters of what git complained about that are kept. */
const MOST_COMPLAINTS = 16_384;

export interface FastImport {
  /**
   * Writes a piece of the stream that makes git answer with `lines` lines; they come once it has. One at a time.
   * Rejects when the process ended before.
   */
  ask(stream: Buffer, lines: number): Promise<string[]>;
  /** What it complained about so far. */
  complaints(): string;
  /** Lets it finish, after a last piece that is not answered; resolves when it is gone. */
  end(last?: string): Promise<void>;
}

/** A block of bytes in the stream. */
export function streamData(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}

/**
 * The allocator of glibc gives the memory of each object back to the system and asks for it again: a fifth of the time of a
 * group. Others do not know these names.
 */
const KEPT_MEMORY = { MALLOC_TRIM_THRESHOLD_: '134217728', MALLOC_TOP_PAD_: '4194304' };

/** `config` are `-c key=value` settings; core.fsync=committed is among them always, so that what is answered is on disk. */
export function startFastImport(gitDir: string, config: readonly string[], options: readonly string[]): FastImport {
  const settings = ['core.fsync=committed', 'gc.auto=0', ...config].flatMap((setting) => ['-c', setting]);
  const args = [...settings, 'fast-import', '--quiet', '--done', '--date-format=raw', ...options];
  const child = spawn('git', args, { cwd: gitDir, env: gitEnvironment(KEPT_MEMORY), stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-MOST_COMPLAINTS);
  });
  // A process that ends closes the pipe: its exit tells the story.
  child.stdin.on('error', () => {});
  const ended = whenEnded(child).then(async () => {
    // Its crash report would stay in the user's repository for ever; what it says is in the error.
    const report = /fast_import_crash_\d+/.exec(complaints)?.[0];
    if (report) await rm(join(gitDir, report), { force: true });
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function answered(): Promise<string> {
    const timer = setTimeout(() => {
      complaints = 'git fast-import timed out';
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    try {
      const { value, done } = await answers.next();
      if (!done) return value;
      await ended;
      throw new Error(complaints.trim());
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async ask(stream, lines) {
      child.stdin.write(stream);
      const said: string[] = [];
      while (said.length < lines) said.push(await answered());
      return said;
    },
    complaints: () => complaints.trim(),
    async end(last = '') {
      child.stdin.end(`${last}done\n`);
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Resolves when a process is gone, also when it could not be started. */
function whenEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
}

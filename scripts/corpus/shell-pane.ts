/** A shell in a pane of tmux: its screen, and whether something reads what is typed, are all that is known of it. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isTerminalRead } from '../../runners/local/terminal-reader.ts';
import { createShellRuntime, readShellScreen } from '../../runners/runtimes/shell.ts';
import { verdictOfScreen } from '../../src/agents/verdicts.ts';
import { run } from '../../src/base/process.ts';
import { shellQuote } from '../../src/base/shell.ts';
import { createJudge, type Tape, type Truth } from '../../test/support/corpus.ts';
import { createRecorder, type Subject } from './rig.ts';
import { QUOTED } from './scenes.ts';

const SAMPLE_MS = 100;
const QUIET_MS = 1_000;
const SETTLE_MS = 2_500;

/** Steps: keys that are typed, what follows from them, and what is so then. */
type Step = [moment: string, keys: string, truth: Truth];

const idle: Truth = { state: 'idle' };
const busy: Truth = { state: 'busy' };
const waiting: Truth = { state: 'waiting' };

const steps = (quoted: string): Step[] => [
  ['idle at first', '', idle],
  ['busy in silence', 'sleep 4\n', busy],
  ['idle after it', 'WAIT', idle],
  ['busy and printing', 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.5; done\n', busy],
  ['idle after it printed', 'WAIT', idle],
  ['asks', `printf 'Go on? [y/N] '; read a; echo "got $a"\n`, waiting],
  ['idle after an answer', 'y\n', idle],
  ['asks for a password', `printf 'Password: '; stty -echo; read a; stty echo; echo\n`, waiting],
  ['idle after the password', 'x\n', idle],
  ['busy, with the words of a question before it', `printf 'Overwrite? [y/N] '; sleep 5; echo\n`, busy],
  ['idle after the words of a question', 'WAIT', idle],
  ['busy, with what looks like a prompt before it', `printf '<b>done</b> > '; sleep 5; echo\n`, busy],
  ['idle after what looks like a prompt', 'WAIT', idle],
  ['idle after the words of a question in a file', `cat ${quoted}\n`, idle],
  ['idle after a file that ends in a question', `printf 'Continue? [y/N]'\n`, idle],
  ['busy in a script that asks only later', `printf 'Delete all? [y/N] '; sleep 5; read a; echo\n`, busy],
  ['asks now', 'WAIT', waiting],
  ['idle after the later question', 'n\n', idle],
  ['idle in a shell inside', 'sh -i\n', idle],
  ['idle out of it again', 'exit\n', idle],
  ['busy, and is to be interrupted', 'sleep 600\n', busy],
  ['idle after it was interrupted', '\u0003', idle],
  ['idle after a command that failed', 'ls /nowhere/at/all; false\n', idle],
];

export async function recordShell(subject: Subject, folder: string): Promise<Tape> {
  const home = mkdtempSync(join(folder, 'shell-'));
  const quoted = join(home, 'quoted.txt');
  writeFileSync(quoted, QUOTED.join('\n'));
  const { argv } = await createShellRuntime().prepare({} as never);
  const socket = `godel-corpus-${process.pid}`;
  const env = { PATH: subject.path, HOME: home, LANG: 'C.UTF-8', TERM: 'xterm-256color', PS1: '$ ' };
  const tmux = (...words: string[]) => run('tmux', ['-L', socket, '-f', '/dev/null', ...words], { env });
  const { put, mark, began, entries } = createRecorder(subject);
  const judge = createJudge(began);
  const command = `exec ${argv.map(shellQuote).join(' ')}`;
  await tmux('new-session', '-d', '-s', 'corpus', '-x', '80', '-y', '24', '-c', home, command);
  const pid = Number((await tmux('display-message', '-p', '#{pane_pid}')).stdout);
  let shown = '';
  let changedMs = 0;

  async function sample(): Promise<void> {
    const screen = (await tmux('capture-pane', '-p')).stdout;
    const isRead = isTerminalRead(pid) ?? null;
    const stamp = JSON.stringify([screen, isRead]);
    if (stamp === shown) return;
    shown = stamp;
    changedMs = Date.now();
    put({ screen: screen.trimEnd(), isRead });
    judge.screen({ state: 'busy' }, changedMs);
  }

  /** As the daemon does: what a screen says counts when it is quiet. */
  async function watchFor(ms: number): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; await delay(SAMPLE_MS)) {
      await sample();
      if (Date.now() - changedMs < QUIET_MS) continue;
      const { 0: screen = '', 1: isRead } = JSON.parse(shown) as [string, boolean | null];
      judge.screen(
        verdictOfScreen(readShellScreen(screen), () => isRead ?? undefined),
        Date.now(),
      );
    }
  }

  for (const [moment, keys, truth] of steps(quoted)) {
    if (keys === 'WAIT') await watchFor(3_000);
    else if (keys !== '') {
      put({ do: 'keys', keys });
      await tmux('send-keys', '-l', '--', keys.replaceAll('\n', '\r'));
    }
    await watchFor(SETTLE_MS);
    mark(moment, truth, judge.verdict(Date.now()));
  }
  await tmux('kill-server');
  const recorded = new Date().toISOString().slice(0, 10);
  return { runtime: 'shell', mode: 'pane', version: '', recorded, entries };
}

/**
 * Whether some program waits for what is typed into a terminal. Words of a screen that ask are no question while nobody
 * reads the answer. Linux tells in which of its functions a process sleeps; elsewhere nothing is known.
 */
import { readFileSync } from 'node:fs';

/** Sleeps in which a key may be what is waited for. */
const READS =
  /^(n_tty_read|wait_woken|(do_)?(sys_)?(epoll|poll|select|pselect)\w*|ep_poll|poll_schedule_timeout\S*|do_sys_poll|io_\w+)/;
/** Trees of an agent's terminal are small; a deep one is not searched to its end. */
const MOST = 200;

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended, or belongs to somebody else.
    return '';
  }
}

const groupsOf = (pid: number) => {
  const stat = text(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { own: Number(fields[2]), foreground: Number(fields[5]) };
};

function childrenOf(pid: number): number[] {
  return text(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
}

/** True, false, or undefined where it cannot be known; `root` is the first process of the terminal. */
export function isTerminalRead(root: number): boolean | undefined {
  const { foreground } = groupsOf(root);
  if (!(foreground > 0)) return undefined;
  const all = [root];
  for (const pid of all) if (all.length < MOST) all.push(...childrenOf(pid));
  const sleeps = all.filter((pid) => groupsOf(pid).own === foreground).map((pid) => text(`/proc/${pid}/wchan`));
  if (sleeps.some((where) => READS.test(where))) return true;
  // `0` is said of what runs, and of everything where the kernel keeps it to itself.
  return sleeps.some((where) => where !== '' && where !== '0') ? false : undefined;
}

/**
 * Finding and ending whole process trees. A program may daemonise, start a session of its own or outlive
 * its parent: such escapees are found by the agent's id in their environment.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Usage } from '../../src/agents/runner.ts';
import { run } from '../../src/base/process.ts';

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** Id of its session, where the system tells it; 0 where not. */
  session: number;
  /** Distinguishes a process from a later one with the same pid. */
  started: string;
  zombie: boolean;
  residentBytes: number;
  threads: number;
}

/** Linux counts resident memory in pages of this size. */
const PAGE_BYTES = 4096;

const STOP_GRACE_MS = 3_000;
const KILL_GRACE_MS = 3_000;
const POLL_MS = 25;

/** Parses /proc/<pid>/stat: the name in parentheses may itself hold spaces and parentheses. */
export function parseStat(pid: number, text: string): ProcessInfo {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    parent: Number(fields[1]),
    session: Number(fields[3] ?? 0),
    started: fields[19] ?? '',
    threads: Number(fields[17] ?? 1),
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    residentBytes: Number(fields[21] ?? 0) * PAGE_BYTES,
  };
}

function statOf(pid: number): ProcessInfo | undefined {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It ended in the meantime.
    return undefined;
  }
}

/** Read in one go: the kernel answers from memory at once, and a pool of threads would cost many times as much. */
async function listLinux(wanted?: readonly number[]): Promise<ProcessInfo[]> {
  const pids = wanted ?? (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.map(statOf).filter((each) => each !== undefined);
}

async function listWithPs(): Promise<ProcessInfo[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,rss=,stat=,lstart=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 4)
    .map(([pid, parent, rss, state, ...started]) => ({
      pid: Number(pid),
      parent: Number(parent),
      session: 0,
      started: started.join(' '),
      zombie: state?.startsWith('Z') ?? false,
      residentBytes: Number(rss) * 1024,
      threads: 1,
    }));
}

export const listProcesses = (): Promise<ProcessInfo[]> => (process.platform === 'linux' ? listLinux() : listWithPs());

/** Pids whose environment holds `marker`, for example GODEL_AGENT_ID=… . */
async function markedPids(marker: string): Promise<Set<number>> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-axEwwo', 'pid=,command=']);
    return new Set(
      stdout
        .split('\n')
        .filter((line) => line.includes(marker))
        .map((line) => Number.parseInt(line, 10)),
    );
  }
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
      return text.split('\0').includes(marker) ? Number(name) : undefined;
    }),
  );
  return new Set(found.filter((pid) => pid !== undefined));
}

/**
 * Descendants of `root` with itself (none when it is undefined), everything that carries the marker, and everything of the
 * session that `leader` began; never this process or init. A session whose leader lives although `root` does not is not
 * the one that is meant: its number was given again.
 */
export async function treeOf(root: number | undefined, marker: string, leader = root): Promise<ProcessInfo[]> {
  const [all, marked] = [await listProcesses(), await markedPids(marker)];
  const inside = new Set<number>(root === undefined ? marked : [root, ...marked]);
  const isAnother = root === undefined && all.some((each) => each.pid === leader && !each.zombie);
  for (const each of all) if (!isAnother && leader && each.session === leader) inside.add(each.pid);
  let grew = true;
  while (grew) {
    const before = inside.size;
    for (const each of all) if (inside.has(each.parent) && each.parent > 1) inside.add(each.pid);
    grew = inside.size > before;
  }
  return all.filter((each) => inside.has(each.pid) && each.pid > 1 && each.pid !== process.pid && !each.zombie);
}

/** Resident bytes and tasks of the trees below `roots`, by their parents alone. */
export async function usageOfTrees(roots: readonly number[]): Promise<Map<number, Usage>> {
  if (roots.length === 0) return new Map();
  const all = await listProcesses();
  const children = new Map<number, ProcessInfo[]>();
  for (const each of all) children.set(each.parent, [...(children.get(each.parent) ?? []), each]);
  const sum = (info: ProcessInfo): Usage =>
    (children.get(info.pid) ?? [])
      .map(sum)
      .reduce((total, child) => ({ bytes: total.bytes + child.bytes, processes: total.processes + child.processes }), {
        bytes: info.residentBytes,
        processes: info.threads,
      });
  const known = new Map(all.map((each) => [each.pid, each]));
  return new Map(roots.flatMap((pid) => (known.has(pid) ? [[pid, sum(known.get(pid) as ProcessInfo)]] : [])));
}

function signalAll(processes: readonly ProcessInfo[], signal: NodeJS.Signals): void {
  for (const each of processes) {
    try {
      process.kill(each.pid, signal);
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

/** Of `known`, those that are still the same living process. Only they are read: it is asked again and again. */
async function alive(known: readonly ProcessInfo[]): Promise<ProcessInfo[]> {
  if (known.length === 0) return [];
  const list = process.platform === 'linux' ? listLinux(known.map((each) => each.pid)) : listWithPs();
  const now = new Map((await list).map((each) => [each.pid, each]));
  return known.filter((each) => {
    const current = now.get(each.pid);
    return current !== undefined && current.started === each.started && !current.zombie;
  });
}

async function waitGone(known: readonly ProcessInfo[], limitMs: number): Promise<ProcessInfo[]> {
  const deadline = Date.now() + limitMs;
  let left = await alive(known);
  while (left.length > 0 && Date.now() < deadline) {
    await delay(POLL_MS);
    left = await alive(left);
  }
  return left;
}

/**
 * Stops everything below `root` where it is. tmux sets a child of its own going again at once when it was stopped
 * (server_child_stopped in its server.c), so the root, which only waits, is left alone.
 */
export async function pauseTree(root: number, marker: string): Promise<void> {
  const tree = await treeOf(root, marker);
  signalAll(
    tree.filter((each) => each.pid !== root),
    'SIGSTOP',
  );
}

export async function resumeTree(root: number, marker: string): Promise<void> {
  signalAll(await treeOf(root, marker), 'SIGCONT');
}

/** As `treeOf`, but nothing is found only when nothing is found twice: a process that starts another one may not be seen. */
async function lastOf(root: number | undefined, marker: string, leader = root): Promise<ProcessInfo[]> {
  const found = await treeOf(root, marker, leader);
  if (found.length > 0) return found;
  await delay(POLL_MS);
  return treeOf(root, marker, leader);
}

export interface EndedTree {
  seen: number[];
  left: number[];
  signal: 'SIGTERM' | 'SIGKILL' | 'none';
}

/** Ends a tree politely, then by force, and looks again until nothing new turns up. */
export async function endTree(root: number | undefined, marker: string, leader = root): Promise<EndedTree> {
  const seen = new Map<number, ProcessInfo>();
  const note = (found: readonly ProcessInfo[]) => {
    for (const each of found) seen.set(each.pid, each);
    return found;
  };
  const first = note(await lastOf(root, marker, leader));
  if (first.length === 0) return { seen: [], left: [], signal: 'none' };
  signalAll(first, 'SIGTERM');
  signalAll(first, 'SIGCONT');
  await waitGone(first, STOP_GRACE_MS);
  let rest = note([...(await alive([...seen.values()])), ...(await lastOf(root, marker, leader))]);
  if (rest.length === 0) return { seen: [...seen.keys()], left: [], signal: 'SIGTERM' };
  const deadline = Date.now() + KILL_GRACE_MS;
  while (rest.length > 0 && Date.now() < deadline) {
    signalAll(rest, 'SIGKILL');
    await waitGone(rest, 500);
    rest = note([...(await alive([...seen.values()])), ...(await lastOf(root, marker, leader))]);
  }
  return { seen: [...seen.keys()], left: [...new Set(rest.map((each) => each.pid))], signal: 'SIGKILL' };
}

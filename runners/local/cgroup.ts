/**
 * Control groups for the process trees of agents: the kernel holds a tree to its caps however many processes it starts and wherever
 * they hide. Version 2 where its controllers may be used, else version 1; always below the group that this process is in itself
 * or, in version 2, one that was given to it, so that what holds Godel holds its agents too.
 */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CapHits, Caps } from '../../src/agents/schema.ts';
import { run } from '../../src/base/process.ts';

/** Where groups are made: one folder in version 2, one for each controller in version 1. */
export interface CgroupPlace {
  version: 1 | 2;
  memory: string;
  pids: string;
}

export interface Membership {
  unified?: string;
  memory?: string;
  pids?: string;
}

export interface CgroupMount {
  version: 1 | 2;
  /** Path of the group that is mounted there. */
  root: string;
  point: string;
  controllers: string[];
}

const MB = 1024 * 1024;
const REMOVE_TRIES = 40;
const REMOVE_PAUSE_MS = 50;

/** Reads /proc/self/cgroup. Pure. */
export function parseMembership(text: string): Membership {
  const found: Membership = {};
  for (const line of text.split('\n')) {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (id === '0' && controllers === '') found.unified = path;
    for (const name of ['memory', 'pids'] as const) if (controllers.split(',').includes(name)) found[name] = path;
  }
  return found;
}

/** The mounted hierarchies in /proc/self/mountinfo. Pure. */
export function parseMounts(text: string): CgroupMount[] {
  return text.split('\n').flatMap((line): CgroupMount[] => {
    const [front = '', back = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = front.split(' ');
    const [type, , options = ''] = back.split(' ');
    if (type === 'cgroup2') return [{ version: 2, root, point, controllers: [] }];
    return type === 'cgroup' ? [{ version: 1, root, point, controllers: options.split(',') }] : [];
  });
}

/** The folder of a group below the mount that shows it; undefined when it lies outside of what is mounted. Pure. */
export function folderOf({ root, point }: CgroupMount, path: string): string | undefined {
  const below = relative(root, path);
  return below.startsWith('..') ? undefined : join(point, below);
}

const holds = (words: string, names: readonly string[]) =>
  names.every((name) => words.trim().split(/\s+/).includes(name));
const BOTH = ['memory', 'pids'];

/** Moves a real process into a group with both caps, which is the only way to know that it works. */
async function assertWorks(place: CgroupPlace): Promise<void> {
  const name = `trial-${process.pid}`;
  const groups = await makeGroup(place, name, { memoryMb: 1024, processes: 100 });
  try {
    const enter = procsOf(groups).map((_, index) => `echo $$ > "$${index + 1}"`);
    const { code } = await run('sh', ['-ec', enter.join('; '), 'sh', ...procsOf(groups)], { timeoutMs: 5_000 });
    if (code !== 0) throw new Error('a process cannot be moved into a group');
  } finally {
    await removeGroup(groups);
  }
}

/** A folder of ours in `folder` whose groups have both controllers. Throws when it cannot be. */
async function claimUnified(folder: string, name: string): Promise<CgroupPlace> {
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  try {
    const control = join(folder, 'cgroup.subtree_control');
    // Refused where processes are in that very group, or it was not given to this user.
    if (!holds(await readFile(control, 'utf8'), BOTH)) await writeFile(control, '+memory +pids');
    await writeFile(join(own, 'cgroup.subtree_control'), '+memory +pids');
    const place: CgroupPlace = { version: 2, memory: own, pids: own };
    await assertWorks(place);
    return place;
  } catch (error) {
    await rmdir(own).catch(() => undefined);
    throw error;
  }
}

async function claimUnifiedAbove(start: string, point: string, name: string): Promise<CgroupPlace> {
  let problem: unknown;
  for (let folder = start; folder.startsWith(point); folder = dirname(folder)) {
    try {
      return await claimUnified(folder, name);
    } catch (error) {
      problem ??= error;
    }
    if (folder === point) break;
  }
  throw problem;
}

async function claimOld(folders: Pick<CgroupPlace, 'memory' | 'pids'>, name: string): Promise<CgroupPlace> {
  const place: CgroupPlace = { version: 1, memory: join(folders.memory, name), pids: join(folders.pids, name) };
  try {
    for (const folder of [place.memory, place.pids]) await mkdir(folder, { recursive: true });
    await assertWorks(place);
    return place;
  } catch (error) {
    await removePlace(place);
    throw error;
  }
}

/** Where groups can be made for agents. Throws with the reason where they cannot. */
export async function findPlace(name: string): Promise<CgroupPlace> {
  const read = (file: string) => readFile(file, 'utf8').catch(() => '');
  const mounts = parseMounts(await read('/proc/self/mountinfo'));
  const own = parseMembership(await read('/proc/self/cgroup'));
  const unified = mounts.find((mount) => mount.version === 2);
  const start = unified && own.unified !== undefined ? folderOf(unified, own.unified) : undefined;
  if (unified && start && holds(await read(join(unified.point, 'cgroup.controllers')), BOTH))
    return claimUnifiedAbove(start, unified.point, name);
  const [memory, pids] = (['memory', 'pids'] as const).map((controller) => {
    const mount = mounts.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
    return mount && own[controller] !== undefined ? folderOf(mount, own[controller]) : undefined;
  });
  if (memory && pids) return claimOld({ memory, pids }, name);
  throw new Error('this system has no control groups for memory and processes');
}

const procsOf = (groups: readonly string[]): string[] => groups.map((group) => join(group, 'cgroup.procs'));

/** Files that a process writes its id into to be held to the caps of these groups. */
export const entriesOf = procsOf;

/** Makes the groups of one life of an agent, with its caps. */
export async function makeGroup(place: CgroupPlace, name: string, caps: Caps): Promise<string[]> {
  const groups = [...new Set([join(place.memory, name), join(place.pids, name)])];
  const [memory = '', pids = memory] = groups;
  try {
    for (const group of groups) await mkdir(group, { recursive: true });
    if (caps.memoryMb !== undefined) {
      const bytes = String(Math.round(caps.memoryMb * MB));
      await writeFile(join(memory, place.version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), bytes);
      // A cap that could be passed by swapping is none; kernels without swap have no such file.
      const [swap, most] = place.version === 2 ? ['memory.swap.max', '0'] : ['memory.memsw.limit_in_bytes', bytes];
      await writeFile(join(memory, swap as string), most as string, { flag: 'r+' }).catch(() => undefined);
    }
    if (caps.processes !== undefined) await writeFile(join(pids, 'pids.max'), String(caps.processes));
    return groups;
  } catch (error) {
    await removeGroup(groups);
    throw error;
  }
}

/** A number of a file of `name number` lines; 0 where there is none. Pure. */
export function counted(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

/** How often a tree ran into its caps; undefined when its groups are gone. */
export async function hitsOf(groups: readonly string[]): Promise<CapHits | undefined> {
  const [memory = '', pids = memory] = groups;
  const read = (file: string) => readFile(file, 'utf8').catch(() => '');
  const procs = await readFile(join(memory, 'cgroup.procs'), 'utf8').catch(() => undefined);
  if (procs === undefined) return undefined;
  const [events, control] = [await read(join(memory, 'memory.events')), await read(join(memory, 'memory.oom_control'))];
  return {
    killed: counted(events || control, 'oom_kill'),
    refused: counted(await read(join(pids, 'pids.events')), 'max'),
    isEmpty: procs.trim() === '',
  };
}

/** Removes empty groups; the kernel lets go of one a moment after its last process. */
export async function removeGroup(groups: readonly string[]): Promise<void> {
  for (const group of groups) {
    for (let tries = 0; tries < REMOVE_TRIES; tries += 1) {
      const problem = await rmdir(group).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error.code,
      );
      if (problem !== 'EBUSY') break;
      await delay(REMOVE_PAUSE_MS);
    }
  }
}

/** Removes what is empty of the place itself. */
export async function removePlace(place: CgroupPlace): Promise<void> {
  for (const folder of new Set([place.memory, place.pids])) {
    for (const name of await readdir(folder).catch(() => [])) await rmdir(join(folder, name)).catch(() => undefined);
    await rmdir(folder).catch(() => undefined);
  }
}

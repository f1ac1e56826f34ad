/** Caps on what an agent starts: by control groups where this machine gives any, by limits of processes, and by watching. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Agent, HistoryEntry } from '../../src/agents/schema.ts';
import { run } from '../../src/base/process.ts';
import type { Finding } from '../../src/doctor/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { createHome, GODEL, type TestHome, until } from '../support/home.ts';

let home: TestHome | undefined;
const own: string[] = [];
afterEach(async () => {
  await home?.stop();
  for (const folder of own.splice(0)) await removed(folder);
});

/** Removes a group with those below it, when what was in them has ended. */
async function removed(folder: string): Promise<void> {
  for (const each of await readdir(folder, { withFileTypes: true }))
    if (each.isDirectory()) await removed(join(folder, each.name));
  await until(`${folder} is empty`, () =>
    rmdir(folder).then(
      () => true,
      () => false,
    ),
  );
}

/** In version 1 a group of its own holds the daemon of the test, so that nothing is made below what holds the tests. */
async function ownGroups(): Promise<string[]> {
  const folders = ['memory', 'pids'].map((name) => join('/sys/fs/cgroup', name, `godel-test-${process.pid}`));
  const isOld = folders.every((folder) => existsSync(join(folder, '..', 'cgroup.procs')));
  if (!isOld) return [];
  for (const folder of folders) {
    if (
      !(await mkdir(folder).then(
        () => true,
        () => false,
      ))
    )
      continue;
    own.push(folder);
  }
  return own;
}

const doctor = async (of: TestHome) => {
  const { findings } = await of.json<{ findings: Finding[] }>('doctor');
  return findings.find(({ check }) => check === 'caps of agents') as Finding;
};

const eat = (mb: number) =>
  `${process.execPath} -e "const all = []; setInterval(() => all.push(Buffer.alloc(10e6, 1)), all.length < ${mb / 10} ? 5 : 1e6)"`;

test('the kernel holds a whole tree to its caps: the agent goes on, and history and inbox say what happened', {
  timeout: 120_000,
}, async (context) => {
  home = await createHome();
  const { json, env, repository } = home;
  const enter = (await ownGroups()).map((folder) => join(folder, 'cgroup.procs'));
  const words = ['-c', 'for f; do echo $$ > "$f"; done; exec "$NODE" "$CLI" daemon start', 'sh', ...enter];
  await run('sh', words, { cwd: repository, env: { ...env, NODE: process.execPath, CLI: GODEL } });
  const found = await doctor(home);
  if (!found.detail.includes('(cgroup;')) {
    process.stderr.write(`\nLEFT OUT: caps by control groups: ${found.detail}\n`);
    return context.skip();
  }
  const show = (name: string) => json<Agent>('agent', 'show', name);
  const inboxOf = async (name: string) =>
    (await json<{ items: InboxItem[] }>('inbox', 'list')).items.find((item) => item.agentName === name);
  const capped = (name: string) =>
    until(`${name} is capped`, async () => {
      const agent = await show(name);
      return agent.attention?.kind === 'capped' && agent;
    });
  const historyOf = async (name: string, action: string) =>
    (await json<{ items: HistoryEntry[] }>('agent', 'history', name)).items.filter((entry) => entry.action === action);

  // What its role says: a child that takes too much is ended, and the agent is not.
  await json('role', 'create', 'frugal', '--from', 'worker', '--memory', '120');
  await json(
    'agent',
    'spawn',
    '--role',
    'frugal',
    '--name',
    'parent',
    '--command',
    `${eat(900)}; echo it was $?; sleep 1000`,
  );
  const parent = await capped('parent');
  expect(parent).toMatchObject({ lifecycle: 'executing', caps: { memoryMb: 120, by: 'cgroup', killed: 1 } });
  expect(parent.attention?.detail).toBe('the kernel ended one of its processes: more than 120 MB of memory');
  expect((await home.godel(['agent', 'logs', 'parent'])).stdout).toContain('it was 137');
  expect(await historyOf('parent', 'memory-cap')).toMatchObject([
    { from: 'executing', to: 'executing', reason: expect.stringContaining('120 MB') },
  ]);
  expect(await inboxOf('parent')).toMatchObject({
    kind: 'failure',
    title: expect.stringContaining('parent is capped'),
  });
  expect((await home.godel(['agent', 'show', 'parent'])).stdout).toMatch(
    /caps +120 MB; held by the kernel \(cgroup\); 1 ended/,
  );

  // The program itself: it would need as much the next time, so that it is not started again.
  await json(
    'agent',
    'spawn',
    '--name',
    'hungry',
    '--command',
    `exec ${eat(900)}`,
    '--max-memory',
    '120',
    '--retries',
    '3',
  );
  const hungry = await until('it was ended', async () => {
    const agent = await show('hungry');
    return agent.lifecycle === 'failed' && agent;
  });
  expect(hungry.lastError).toBe('ended by the kernel: it used more memory than its cap (120 MB)');
  expect(hungry.retryAt).toBeUndefined();
  expect((await historyOf('hungry', 'fail'))[0]?.reason).toBe(hungry.lastError);
  expect((await inboxOf('hungry'))?.title).toContain('more memory than its cap');
  for (const group of hungry.caps?.groups ?? ['']) expect(existsSync(group)).toBe(false);

  // Too many processes: those above are not started, wherever in the tree.
  const many = `sh -c '${'sleep 2 & '.repeat(40)} wait'; exec sleep 1000`;
  await json('agent', 'spawn', '--name', 'breeder', '--command', many, '--max-processes', '15');
  const breeder = await capped('breeder');
  expect(breeder).toMatchObject({ lifecycle: 'executing', caps: { processes: 15, by: 'cgroup' } });
  expect(breeder.caps?.refused).toBeGreaterThan(0);
  expect((await historyOf('breeder', 'process-cap'))[0]?.reason).toContain('15 processes');
  // That it happened stays in sight after a restart of the daemon, and is not told again.
  process.kill(home.daemonPid(), 'SIGKILL');
  expect((await capped('breeder')).caps).toMatchObject({ by: 'cgroup', groups: breeder.caps?.groups });
  for (const name of ['parent', 'breeder']) await json('agent', 'stop', name);
  for (const group of [...(parent.caps?.groups ?? ['']), ...(breeder.caps?.groups ?? [''])])
    expect(existsSync(group), group).toBe(false);
  expect(await historyOf('breeder', 'process-cap')).toHaveLength(1);
});

test('without control groups the kernel refuses a process far too much, and the daemon stops a tree that is above', {
  timeout: 120_000,
}, async (context) => {
  home = await createHome();
  const { json } = home;
  await json('config', 'set', 'agent_caps', 'rlimit');
  const { detail } = await doctor(home);
  if (process.platform !== 'linux') {
    process.stderr.write('\nLEFT OUT: limits of processes: only Linux counts memory that is mapped\n');
    expect(detail).toContain('(watch;');
    return context.skip();
  }
  expect(detail).toContain('(rlimit; agent_caps is rlimit)');
  // Asked for and not touched: only the limit sees it.
  const ask = `${process.execPath} -e "Buffer.alloc(3e9); console.log('was given'); setInterval(() => {}, 1000)"`;
  const spawn = (name: string, command: string, ...flags: string[]) =>
    json('agent', 'spawn', '--name', name, '--command', command, ...flags);
  await spawn('free', ask);
  await spawn('held', `${ask}; echo ended $?; sleep 1000`, '--max-memory', '100');
  const logsOf = async (name: string) => (await home?.godel(['agent', 'logs', name]))?.stdout ?? '';
  await until('it is given without a cap', async () => (await logsOf('free')).includes('was given'));
  await until('it is refused with one', async () => /ended [1-9]/.test(await logsOf('held')));
  expect(await logsOf('held')).not.toContain('was given');
  expect((await json<Agent>('agent', 'show', 'held')).caps).toMatchObject({ memoryMb: 100, by: 'rlimit' });

  const many = 'for i in $(seq 20); do sleep 1000 & done; wait';
  await spawn('breeder', many, '--max-processes', '10');
  const stopped = await until('it was stopped', async () => {
    const agent = await json<Agent>('agent', 'show', 'breeder');
    return agent.lifecycle === 'failed' && agent;
  });
  expect(stopped.lastError).toMatch(/had 2\d processes and threads, more than its cap \(10\)/);
  expect(stopped.caps?.by).toBe('watch');
});

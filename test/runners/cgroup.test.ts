/** What the kernel's own files say about control groups, in both versions. */
import { expect, test } from 'vitest';
import { counted, folderOf, parseMembership, parseMounts } from '../../runners/local/cgroup.ts';
import { launchScript } from '../../runners/local/launch-script.ts';

const UNIFIED = '31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const OLD = [
  '25 20 0:21 /box /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '26 20 0:22 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids',
  '27 20 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
].join('\n');

test('a process is in one group of version 2, or in one for each controller of version 1', () => {
  expect(parseMembership('0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope\n')).toEqual({
    unified: '/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope',
  });
  expect(parseMembership('8:pids:/p\n4:memory:/box/m\n2:cpu,cpuacct:/\n0::/\n')).toEqual({
    unified: '/',
    memory: '/box/m',
    pids: '/p',
  });
});

test('a group is found below its mount, unless it lies outside of what is mounted', () => {
  expect(parseMounts(UNIFIED)).toEqual([{ version: 2, root: '/', point: '/sys/fs/cgroup', controllers: [] }]);
  const [memory, pids, ...others] = parseMounts(OLD);
  expect(others).toEqual([]);
  expect(memory && folderOf(memory, '/box/m')).toBe('/sys/fs/cgroup/memory/m');
  expect(memory && folderOf(memory, '/elsewhere')).toBeUndefined();
  expect(pids && folderOf(pids, '/')).toBe('/sys/fs/cgroup/pids');
});

test('what became of a tree is counted alike from either form', () => {
  expect(counted('low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 0\n', 'oom_kill')).toBe(2);
  expect(counted('oom_kill_disable 0\nunder_oom 0\noom_kill 1\n', 'oom_kill')).toBe(1);
  expect(counted('max 7\n', 'max')).toBe(7);
  expect(counted('', 'max')).toBe(0);
});

test('a launch enters its groups before anything else of it runs', () => {
  const place = { cwd: '/w', exitFile: '/e', argv: ['true'], env: { A: '1' } };
  const lines = launchScript({ ...place, enter: ["/sys/fs/cgroup/it's/cgroup.procs"], dataKb: 1024 }).split('\n');
  expect(lines[0]).toMatch(/^echo \$\$ > '\/sys\/fs\/cgroup\/it'\\''s\/cgroup.procs' \|\|/);
  expect(lines[1]).toBe('ulimit -d 1024');
  expect(launchScript(place)).not.toContain('ulimit');
});

/** The world fails: disks, tools and providers. Each is named with a way out, and nothing is left half done. */
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import { homePaths } from '../../src/base/paths.ts';
import { run } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, GODEL, makeRepository, type TestHome, until } from '../support/home.ts';
import { canMount, mountMemory, remount, unmount } from '../support/mounts.ts';
import { createPerson } from '../support/person.ts';
import { root } from '../support/tree.ts';

const mayMount = canMount();

/** Exit code and the two lines of a refusal. */
async function refusal(home: TestHome, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const { code, stdout, stderr } = await home.godel(args, options);
  const [what = '', next = '', ...more] = stderr.trimEnd().split('\n');
  expect({ stdout, more }, stderr).toEqual({ stdout: '', more: [] });
  return { code, what, next };
}

/** Ends what was started under another GODEL_HOME than the test's own. */
async function endOther(home: TestHome, env: Record<string, string>): Promise<void> {
  await home.godel(['daemon', 'stop', '--all'], { env });
  const { tmuxSocketName } = homePaths({ ...home.env, ...env });
  await run('tmux', ['-L', tmuxSocketName, 'kill-server'], { env: home.env }).catch(() => undefined);
}

const titles = async (home: TestHome, cwd: string) => {
  const { stdout } = await home.godel(['bead', 'list', '--json'], { cwd });
  return (JSON.parse(stdout) as { items: Bead[] }).items.map((bead) => bead.title).sort();
};

describe.skipIf(!mayMount)('file systems', () => {
  let home: TestHome;
  let folder: string;

  beforeEach(async () => {
    home = await createHome();
    folder = join(home.folder, 'small');
  });
  afterEach(async () => {
    remount(folder, 'rw');
    await home.godel(['daemon', 'stop', '--all']);
    unmount(folder);
    await home.stop();
  });

  test('a read-only repository is refused, and so is one that becomes read-only; later everything goes on', async () => {
    expect(mountMemory(folder, 16)).toBe(true);
    const repository = await makeRepository(join(folder, 'repo'));
    remount(folder, 'ro');
    const refused = {
      code: 1,
      what: expect.stringMatching(/read-only|cannot be written/i),
      next: expect.stringMatching(/\S/),
    };
    expect(await refusal(home, ['bead', 'create', 'never'], { cwd: repository })).toMatchObject(refused);
    remount(folder, 'rw');
    expect((await home.godel(['bead', 'create', 'first'], { cwd: repository })).code).toBe(0);
    await until('nothing is open for writing', async () => remount(folder, 'ro'));
    expect(await refusal(home, ['bead', 'create', 'not now'], { cwd: repository })).toMatchObject(refused);
    remount(folder, 'rw');
    expect((await home.godel(['bead', 'create', 'second'], { cwd: repository })).code).toBe(0);
    expect(await titles(home, repository)).toEqual(['first', 'second']);
    await git(repository, ['fsck', '--strict', '--no-dangling']);
  });

  test('a full disk under GODEL_HOME refuses changes, loses none, and goes on when there is room', async () => {
    expect(mountMemory(folder, 24)).toBe(true);
    const env = { GODEL_HOME: join(folder, 'home') };
    const make = (title: string) => home.godel(['bead', 'create', title], { env });
    try {
      expect((await make('before')).code).toBe(0);
      await run('sh', ['-c', 'cat /dev/zero > "$1" 2>/dev/null; true', 'sh', join(folder, 'filler')]);
      const acknowledged: string[] = [];
      const last = await until('a refusal', async () => {
        const title = `while full ${acknowledged.length}`;
        const made = await make(title);
        if (made.code === 0) acknowledged.push(title);
        return made.code !== 0 && made;
      });
      expect(last).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/disk is full.*\n.*df -h/) });
      await rm(join(folder, 'filler'));
      await until('room again', async () => (await make('after')).code === 0);
      const { stdout } = await home.godel(['bead', 'list', '--json'], { env });
      const kept = (JSON.parse(stdout) as { items: Bead[] }).items.map((bead) => bead.title);
      expect(kept.sort()).toEqual(['after', 'before', ...acknowledged].sort());
    } finally {
      await endOther(home, env);
    }
  });
});

describe('tools', () => {
  let home: TestHome;
  beforeAll(async () => {
    home = await createHome();
  });
  afterAll(() => home.stop());

  test('a git that is too old, or missing, is named with the version that is needed', async () => {
    const bin = join(home.folder, 'old git');
    await mkdir(bin);
    const { stdout } = await run('which', ['git']);
    const old = `#!/bin/sh\n[ "$1" = --version ] && echo "git version 2.30.2" && exit 0\nexec ${stdout.trim()} "$@"\n`;
    await writeFile(join(bin, 'git'), old);
    await chmod(join(bin, 'git'), 0o755);
    const env = { GODEL_HOME: join(home.folder, 'old'), PATH: `${bin}:${process.env.PATH}` };
    expect(await refusal(home, ['bead', 'create', 'x'], { env })).toMatchObject({
      code: 1,
      what: expect.stringContaining('git 2.38 or newer is needed; this is git version 2.30.2'),
      next: expect.stringContaining('newer git'),
    });
    await endOther(home, env);
  });

  test('without Pi an agent is refused with what to do; the bead stays open and free', async () => {
    // The same programs beside everything but Pi.
    const copy = join(home.folder, 'without pi');
    await mkdir(join(copy, 'node_modules'), { recursive: true });
    for (const name of ['dist', 'package.json']) await cp(join(root, name), join(copy, name), { recursive: true });
    for (const name of await readdir(join(root, 'node_modules'))) {
      if (name.startsWith('@earendil')) continue;
      await symlink(join(root, 'node_modules', name), join(copy, 'node_modules', name));
    }
    const env = { ...home.env, GODEL_HOME: join(home.folder, 'pi-less') };
    const godel = (...args: string[]) =>
      run(process.execPath, [join(copy, 'dist/godel.js'), ...args], { cwd: home.repository, env });
    try {
      await godel('config', 'set', 'provider', 'demo');
      const made = await godel('bead', 'create', 'lonely', '--json');
      const { id } = JSON.parse(made.stdout) as Bead;
      const refused = await godel('agent', 'spawn', '--bead', id, '--runtime', 'pi');
      expect(refused).toMatchObject({ code: 3, stdout: '' });
      expect(refused.stderr).toMatch(/Runtime "pi" cannot run here: .*not installed.*\n.*\S/);
      expect(JSON.parse((await godel('bead', 'show', id, '--json')).stdout)).toMatchObject({ status: 'open' });
      expect(await git(home.repository, ['branch', '--list', `bead/${id}`])).toBe('');
      const agents = JSON.parse((await godel('agent', 'list', '--json')).stdout) as { items: Agent[] };
      expect(agents.items).toEqual([]);
      expect((await godel('runtime', 'list')).stdout).toMatch(/pi .*not installed/);
    } finally {
      await endOther(home, env);
    }
  });
});

test('a provider that is down is seen in the agent’s pane, in its state and on the board', async () => {
  // Nothing listens on port 1.
  const home = await createHome({ ANTHROPIC_API_KEY: 'sk-nobody', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' });
  const person = createPerson(home);
  try {
    await home.json('config', 'set', 'provider', 'anthropic');
    await person.open(160, 45);
    await home.json('agent', 'spawn', 'say hello', '--name', 'unlucky');
    const waiting = await until(
      'an agent that does not get on',
      async () => {
        const agent = await home.json<Agent>('agent', 'show', 'unlucky');
        return ['waiting', 'parked'].includes(agent.observed.state) && agent;
      },
      60_000,
    );
    expect(waiting.observed.detail).toMatch(/anthropic|provider|upstream|refused|reach/i);
    await person.sees(/1 (waiting|parked)/);
    await until('the pane says so', async () =>
      /anthropic|ECONNREFUSED|upstream|cannot be reached|502|503/i.test(
        (await home.godel(['agent', 'screen', 'unlucky'])).stdout,
      ),
    );
  } finally {
    await person.leave();
    await home.stop();
  }
});

test('two people who type godel at the same moment get one daemon and the same board', async () => {
  const home = await createHome();
  const people = [createPerson(home), createPerson(home)];
  try {
    await Promise.all(people.map((person, index) => person.open(100 + index, 30)));
    for (const person of people) await person.sees(/No beads yet|Which model provider/);
    const { stdout } = await run('pgrep', ['-f', join(dirname(GODEL), 'daemon.js')]);
    const own = [];
    for (const pid of stdout.trim().split('\n')) {
      const { stdout: environment } = await run('cat', [`/proc/${pid}/environ`]);
      if (environment.includes(home.paths.stateDir)) own.push(Number(pid));
    }
    expect(own).toEqual([home.daemonPid()]);
  } finally {
    for (const person of people) await person.leave();
    await home.stop();
  }
});

test('godel in a terminal of 20x5 opens, takes keys, and grows with it', async () => {
  const home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
  const person = createPerson(home);
  try {
    await person.open(20, 5);
    await person.sees('No beads yet');
    await person.press('n');
    await person.type('tiny');
    await person.press('Enter');
    await until('a bead', async () => (await home.json<{ items: Bead[] }>('bead', 'list')).items[0]?.title === 'tiny');
    await person.outer('resize-window', '-t', '=person:', '-x', '120', '-y', '40');
    await person.sees('OPEN 1');
  } finally {
    await person.leave();
    await home.stop();
  }
});

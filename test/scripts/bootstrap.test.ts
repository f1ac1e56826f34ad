/** scripts/godel on machines that lack something: an old Node, an npm bound to it, no tmux, a set-up that died. */
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyTree } from '../support/tree.ts';

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

const NEEDED = 'sh env cat cksum dirname find id ln mkdir mv readlink rm rmdir sed sleep sort tar gzip tr uname'.split(
  ' ',
);
/** A set-up from nothing takes about a minute on a busy machine. */
const LIMIT_MS = 300_000;
const SETUP_NODE = 'Install Node.js 22.19 or newer with npm: https://nodejs.org\n';

let folder = '';
let tree = '';

/** Where the PATH of the test finds a program. */
function locate(name: string): string {
  for (const place of (process.env.PATH ?? '').split(delimiter)) {
    if (existsSync(join(place, name))) return join(place, name);
  }
  throw new Error(`${name} is not installed`);
}

/** A folder for the PATH that holds the plain tools, the named programs, and scripts in place of others. */
function machine(name: string, programs: readonly string[], fakes: Readonly<Record<string, string>>): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const program of [...NEEDED, ...programs]) {
    if (!(program in fakes)) symlinkSync(locate(program), join(bin, program));
  }
  // Made anew or not at all: through a link, a fake would end up in the system's own program.
  for (const [fake, text] of Object.entries(fakes)) {
    writeFileSync(join(bin, fake), `#!/bin/sh\n${text}\n`, { mode: 0o755, flag: 'wx' });
  }
  return bin;
}

const environment = (path: string) => ({
  ...process.env,
  PATH: path,
  CI: 'true',
  NODE_ENV: 'production',
  npm_config_prefer_offline: 'true',
});

function godel(path: string, script = join(tree, 'scripts/godel')): Ran {
  return spawnSync(script, ['--version'], { cwd: '/', encoding: 'utf8', env: environment(path), timeout: LIMIT_MS });
}

function godelBeside(path: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(join(tree, 'scripts/godel'), ['--version'], { env: environment(path), timeout: LIMIT_MS });
    const ran: Ran = { status: null, stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => {
      ran.stdout += text;
    });
    child.stderr.on('data', (text: Buffer) => {
      ran.stderr += text;
    });
    child.on('close', (status) => resolve({ ...ran, status }));
  });
}

/** A node that says it is old, and is the real one otherwise. */
const oldNode = () => `[ "$1" = --version ] && { echo v20.20.2; exit; }\nexec "${process.execPath}" "$@"`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boot-'));
  tree = join(folder, 'a tree');
  mkdirSync(tree);
  copyTree(tree);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('scripts/godel refuses in two lines, on standard error, with the way out', () => {
  const refusals: readonly [string, readonly string[], Record<string, string>, string][] = [
    [
      'no node at all',
      ['git', 'tmux'],
      {},
      `godel: Node 22.19 or newer is needed, and npm to fetch it is missing.\n${SETUP_NODE}`,
    ],
    [
      'an old node on a system without packages',
      ['git', 'tmux'],
      { node: 'echo v18.0.0', npm: 'exit 1', uname: 'case $1 in -m) echo riscv64 ;; *) echo Linux ;; esac' },
      `godel: Node 22.19 or newer is needed, and none can be fetched for Linux riscv64.\n${SETUP_NODE}`,
    ],
    [
      'no tmux, where packages come from dnf',
      ['git'],
      { dnf: 'exit 1' },
      'godel: tmux 3.2a or newer is needed; this system has none.\nsudo dnf install -y tmux\n',
    ],
    [
      'no tmux, on Debian as somebody who may not install it',
      ['git'],
      { id: 'echo 1000', 'apt-get': 'exit 1' },
      'godel: tmux 3.2a or newer is needed; this system has none.\nsudo apt-get update && sudo apt-get install -y tmux\n',
    ],
    [
      'an old tmux, where packages come from brew',
      ['git'],
      { tmux: 'echo tmux 3.1c', uname: 'echo Darwin' },
      'godel: tmux 3.2a or newer is needed; this system has tmux 3.1c.\nbrew install tmux\n',
    ],
    [
      'an old git',
      ['tmux'],
      { git: 'echo git version 2.37.9', apk: 'exit 1' },
      'godel: git 2.38 or newer is needed; this system has git version 2.37.9.\nsudo apk add git\n',
    ],
  ];

  test.each(refusals)('%s', (name, programs, fakes, expected) => {
    const ran = godel(machine(name, programs, fakes));
    expect(ran).toMatchObject({ status: 1, stdout: '', stderr: expected });
    expect(readdirSync(join(tree, '.tools'))).toEqual([]);
  });

  test('a registry that gives another file than expected', () => {
    const npm = 'tar -czf node.tgz package';
    const ran = godel(machine('bad registry', ['git', 'tmux'], { node: oldNode(), npm }));
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(ran.stderr).toContain("from npm's registry is not the file that was expected.\n");
    expect(existsSync(join(tree, '.tools/node'))).toBe(false);
  });

  test('a registry that cannot be reached', () => {
    const npm = 'echo "npm error network" >&2; exit 1';
    const ran = godel(machine('no network', ['git', 'tmux'], { node: oldNode(), npm }));
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      /npm error network\ngodel: node-\S+ \S+ could not be fetched with npm\.\nCheck the network/,
    );
  });
});

describe('scripts/godel sets up', () => {
  let path = '';

  test('from nothing, twice at once, with an old node and an npm that runs under no other', {
    timeout: LIMIT_MS,
  }, async () => {
    const npm = `[ "$1" = --version ] && exit 1\nexec "${process.execPath}" "${locate('npm')}" "$@"`;
    path = machine('old distribution', ['git', 'tmux'], { node: oldNode(), npm });
    mkdirSync(join(tree, '.tools'), { recursive: true });
    // The lock of a set-up that was killed: its process is gone.
    const { pid } = spawnSync('true');
    symlinkSync(
      `${pid}@1@${spawnSync('uname', ['-n'], { encoding: 'utf8' }).stdout.trim()}`,
      join(tree, '.tools/set-up.lock'),
    );
    const both = await Promise.all([godelBeside(path), godelBeside(path)]);
    const { version } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')) as { version: string };
    for (const ran of both) expect(ran, ran.stderr).toMatchObject({ status: 0, stdout: `${version}\n` });
    const talk = both.map((ran) => ran.stderr).join('');
    for (const line of ['fetching Node', 'installing packages', 'building']) expect(talk.split(line)).toHaveLength(2);
    expect(readdirSync(join(tree, '.tools')).sort()).toEqual(['node', 'npm']);
  });

  test('nothing the second time, through a link from elsewhere', () => {
    symlinkSync('a tree/scripts/godel', join(folder, 'link'));
    symlinkSync(join(folder, 'link'), join(folder, 'link to a link'));
    expect(godel(path, join(folder, 'link to a link'))).toMatchObject({ status: 0, stderr: '' });
  });

  test('tmux with apt-get as root, after an update of its lists', () => {
    const apt = `case $* in
      *update*) : >"\${0%/*}/lists" ;;
      *"install -y"*tmux) [ -e "\${0%/*}/lists" ] && ln -s "${locate('tmux')}" "\${0%/*}/tmux" ;;
    esac`;
    const bare = machine('bare debian', ['git'], { id: 'echo 0', 'apt-get': apt });
    expect(godel(bare)).toMatchObject({ status: 0, stderr: 'godel: installing tmux\n' });
    expect(godel(bare)).toMatchObject({ status: 0, stderr: '' });
  });

  test('the programs again when a source has other contents, not when only its time is another', () => {
    const source = join(tree, 'src/base/version.ts');
    utimesSync(source, new Date(), new Date());
    expect(godel(path).stderr).toBe('');
    appendFileSync(source, '\n// changed\n');
    expect(godel(path)).toMatchObject({ status: 0, stderr: 'godel: building\n' });
  });

  test('and keeps the programs it has when a build fails', () => {
    const source = join(tree, 'src/base/version.ts');
    const before = readFileSync(source, 'utf8');
    writeFileSync(source, 'this is not typescript');
    const ran = godel(path);
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(ran.stderr).toContain('godel: The build failed.\n');
    expect(readdirSync(tree).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
    writeFileSync(source, before);
    expect(godel(path)).toMatchObject({ status: 0, stderr: '' });
  });
});

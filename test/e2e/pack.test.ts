/** The tarball as a person installs it: `npm pack`, `npm install -g`, and the program works without this tree. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunResult, run } from '../../src/base/process.ts';
import { version } from '../../src/base/version.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { root } from '../support/tree.ts';

const LIMIT_MS = 240_000;
const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;

interface Packed {
  filename: string;
  files: { path: string }[];
}

let folder = '';
let packed: Packed;
let home: TestHome;

/** npm as it is found here; what was fetched before is taken from its cache, so that no network is needed. */
async function npm(...args: string[]): Promise<RunResult> {
  const env = { ...process.env, PATH, npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' };
  const result = await run('npm', args, { cwd: root, env, timeoutMs: LIMIT_MS });
  if (result.code !== 0) throw new Error(`npm ${args.join(' ')}: exit ${result.code}\n${result.stderr}`);
  return result;
}

/** The installed program, as a shell would find it. */
const installed = (...args: string[]) =>
  run(join(folder, 'prefix', 'bin', 'godel'), args, {
    cwd: home.repository,
    env: { ...home.env, PATH },
    timeoutMs: 60_000,
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pack-'));
  // Without scripts: the programs are fresh, and a build now would take them away from the tests beside this one.
  const { stdout } = await npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder);
  const report = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
  packed = Object.values(report)[0] as Packed;
  await npm(
    'install',
    '--global',
    '--prefix',
    join(folder, 'prefix'),
    '--no-audit',
    '--no-fund',
    join(folder, packed.filename),
  );
  home = await createHome();
}, LIMIT_MS);

afterAll(async () => {
  await home?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the installed package', () => {
  test('holds the programs, the manual and the licence, and nothing of the workshop', () => {
    const paths = packed.files.map((file) => file.path);
    for (const program of ['godel', 'daemon', 'proxy', 'board', 'review', 'pi-extension']) {
      expect(paths).toContain(`dist/${program}.js`);
    }
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'man/godel.1', 'package.json']));
    expect(paths.filter((path) => !/^(dist|man)\/|^(LICENSE|README\.md|package\.json)$/.test(path))).toEqual([]);
    expect(paths.filter((path) => /\.map$|stamp/.test(path))).toEqual([]);
  });

  test('says its version', async () => {
    expect(await installed('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('puts its whole manual where man finds it', () => {
    const pages = packed.files.flatMap((file) => /^man\/(.*\.(\d))$/.exec(file.path)?.slice(1, 3).join(' ') ?? []);
    expect(pages).toContain('godel.1 1');
    const linked = (page: string, section: string) =>
      existsSync(join(folder, 'prefix/share/man', `man${section}`, page));
    // A page that is missing here is missing in the list "man" of package.json.
    expect(pages.filter((page) => !linked(...(page.split(' ') as [string, string])))).toEqual([]);
  });

  test('starts its daemon, keeps a bead, and has Pi at hand', async () => {
    const made = await installed('bead', 'create', 'Installed', '--json');
    expect(made).toMatchObject({ code: 0 });
    expect((JSON.parse(made.stdout) as Bead).title).toBe('Installed');
    const runtimes = await installed('runtime', 'list', '--json');
    const { items } = JSON.parse(runtimes.stdout) as { items: { id: string; ok: boolean }[] };
    expect(items).toContainEqual(expect.objectContaining({ id: 'pi', ok: true }));
    expect(await installed('daemon', 'stop')).toMatchObject({ code: 0 });
  });
});

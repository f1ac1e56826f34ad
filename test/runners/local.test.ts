/** The local runner in a real tmux: what programs print and how they end is never lost, wherever the files are. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printfText } from '../../runners/local/launch-script.ts';
import { createLocalRunner } from '../../runners/local/runner.ts';
import { createTmuxServer, type TmuxServer } from '../../runners/local/tmux-server.ts';
import type { Handle, Held, LaunchSpec, Runner } from '../../src/agents/runner.ts';
import { newId } from '../../src/base/id.ts';
import { run } from '../../src/base/process.ts';
import { until } from '../support/home.ts';

let folder = '';
let server: TmuxServer;
let runner: Runner;

beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), `odd #{pane_id} 100%d 'q' "$HOME" `));
  const { PATH, HOME, TMUX_TMPDIR } = process.env;
  const log = pino({ level: 'silent' });
  const socketName = `godel-runner-${process.pid}`;
  const confFile = join(folder, 'tmux.conf');
  server = createTmuxServer({
    socketName,
    confFile,
    env: { PATH, HOME, TMUX_TMPDIR, LANG: 'C.UTF-8' },
    log,
  });
  runner = createLocalRunner({
    server,
    clock: { now: () => Date.now() } as never,
    log,
    caps: { name: 'godel-test', wanted: async () => 'watch' },
  });
});
afterAll(async () => {
  await server.tmux('kill-server').catch(() => undefined);
  await runner.close();
  rmSync(folder, { recursive: true, force: true });
});

function spec(index: number, command: string): LaunchSpec {
  const agentId = newId();
  const home = join(folder, agentId);
  const size = { columns: 200, rows: 50 };
  const place = { home, cwd: folder, logFile: join(home, 'terminal.log'), size, env: { PATH: process.env.PATH ?? '' } };
  return {
    agentId,
    agentName: `a-${index}`,
    generation: 1,
    argv: ['sh', '-c', command],
    caps: {},
    ...place,
  } as LaunchSpec;
}

test('sixty programs that end at once leave their last words and their exit code, all of them', async () => {
  for (let round = 0; round < 3; round += 1) {
    const specs = Array.from({ length: 20 }, (_, index) => spec(index, `echo last words of ${index}; exit ${index}`));
    const ends = new Map<string, Held>();
    const unwatch = runner.watch((held) => held.dead && ends.set(held.agentId, held));
    await Promise.all(specs.map((each) => runner.launch(each)));
    await until('all ended', async () => specs.every(({ agentId }) => ends.has(agentId)));
    unwatch();
    for (const [index, { agentId, logFile }] of specs.entries()) {
      expect(ends.get(agentId)?.exitCode).toBe(index);
      await until(`the log of ${index}`, async () =>
        (await readFile(logFile, 'utf8')).includes(`last words of ${index}\r\n`),
      );
    }
  }
});

test('a path comes through a shell and through tmux as it is', async () => {
  const path = '/tmp/#{pane_id} #S %H 100% "$HOME" `id` \'q\' \\ ünï\n🚀';
  const { stdout } = await run('sh', ['-c', `printf '${printfText(path)}'`]);
  expect(stdout).toBe(path);
  expect(printfText(path)).not.toMatch(/[#%]/);
});

test('a person’s zoom stays when another agent of the page is stopped', async () => {
  const launched = await Promise.all([0, 1, 2].map((index) => runner.launch(spec(index, 'sleep 1000'))));
  const [a = '', b = '', c = ''] = launched.map((handle) => handle.address);
  for (const pane of [b, c]) await server.tmux('join-pane', '-d', '-s', pane, '-t', a);
  await server.tmux('select-pane', '-t', a);
  await server.tmux('resize-pane', '-Z', '-t', a);
  const held = (await runner.list()).find((each) => each.address === b);
  expect(await runner.stop(launched[1] as Handle, held?.agentId ?? '')).toMatchObject({ left: [] });
  const look = '#{window_panes} #{window_zoomed_flag} #{pane_active}';
  expect(await server.tmux('display-message', '-p', '-t', a, look)).toEqual(['2 1 1']);
});

test('a death is told until it has been dealt with, then the kept pane is left alone', async () => {
  const dying = spec(0, 'exit 3');
  let told = 0;
  const unwatch = runner.watch((held) => {
    if (!held.dead || held.agentId !== dying.agentId) return true;
    told += 1;
    return told >= 2;
  });
  await runner.launch(dying);
  await until('told twice', async () => told >= 2);
  // What another pane does makes the runner look again.
  const other = await runner.launch(spec(1, 'sleep 1000'));
  const titles: string[] = [];
  const unlisten = runner.watch((held) => titles.push(held.title));
  await server.tmux('select-pane', '-t', other.address, '-T', 'news');
  await until('the other title is told', async () => titles.includes('news'));
  unlisten();
  unwatch();
  expect(told).toBe(2);
});

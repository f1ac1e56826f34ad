/** The screen in a real tmux of its own, with sleeping programs for agents: layout in one step, keys, zoom, odd paths. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTmuxServer, HOLD_SESSION, type TmuxServer } from '../../../runners/local/tmux-server.ts';
import { createScreen, type Screen } from '../../../tui/layout/screen.ts';
import { until } from '../../support/home.ts';

let folder = '';
let server: TmuxServer;
let screen: Screen;
const log = pino({ level: 'silent' });

beforeAll(async () => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'layout #1 100% '));
  const { PATH, HOME, TMUX_TMPDIR } = process.env;
  server = createTmuxServer({
    socketName: `godel-layout-${process.pid}`,
    confFile: join(folder, 'tmux.conf'),
    env: { PATH, HOME, TMUX_TMPDIR, LANG: 'C.UTF-8' },
    log,
  });
  await server.ensure();
});
afterAll(async () => {
  await screen?.stop();
  await server.tmux('kill-server').catch(() => undefined);
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await screen?.stop();
  await server.tmux('kill-session', '-t', '=s').catch(() => undefined);
  screen = screenOf('1.0.0');
  await screen.ensure({ columns: 160, rows: 45 });
});

function screenOf(release: string): Screen {
  return createScreen({
    server,
    session: 's',
    board: { argv: ['sleep', '1000'], env: {}, release },
    cli: { GODEL_NODE: process.execPath, GODEL_CLI: join(folder, 'cli.js'), GODEL_PROJECT: 'p' },
    log,
  });
}

async function agent(name: string): Promise<string> {
  const [[pane = ''] = []] = await server.sequence([
    ['new-window', '-d', '-P', '-F', '#{pane_id}', '-t', `=${HOLD_SESSION}:`, '-n', name, 'exec sleep 1000'],
    ['set-option', '-p', '-t', `=${HOLD_SESSION}:=${name}`, '@godel_agent', name],
  ]);
  return pane;
}
const agents = (count: number, name: string) =>
  Promise.all(Array.from({ length: count }, (_, index) => agent(`${name}${index}`)));
const sync = (panes: readonly string[]) => screen.sync(panes.map((pane) => ({ pane, state: 'idle' })));
const list = (format: string) => server.tmux('list-panes', '-s', '-t', '=s:', '-F', format);
const ask = async (format: string) => (await server.tmux('display-message', '-p', '-t', '=s:', format))[0];

describe('the board', () => {
  const board = async () =>
    (await list('#{@godel_kind} #{pane_id} #{pane_pid}')).find((line) => line.startsWith('board '));

  test('goes on when the daemon comes back, and is started anew in its pane by another release', async () => {
    const before = await board();
    await screen.stop();
    screen = screenOf('1.0.0');
    await screen.ensure({ columns: 160, rows: 45 });
    expect(await board()).toBe(before);
    await screen.stop();
    screen = screenOf('1.1.0');
    await screen.ensure({ columns: 160, rows: 45 });
    const after = await board();
    expect(after?.split(' ')[1]).toBe(before?.split(' ')[1]);
    expect(after).not.toBe(before);
  });
});

describe('arranging', () => {
  test('every page has the board’s column and even cells; what is told is true when sync returns', async () => {
    const panes = await agents(11, 'a');
    await sync(panes);
    const lines = await list('#{window_index} #{pane_left} #{@godel_kind}');
    expect(lines.filter((line) => line.endsWith(' 0 board') || line.endsWith(' 0 placeholder'))).toHaveLength(2);
    expect(lines.filter((line) => / 37 $/.test(line))).not.toEqual([]);
    expect(lines).toHaveLength(13);
    await sync(panes.slice(0, 3));
    expect(await list('#{pane_id}')).toHaveLength(4);
  });

  test('no step in between is ever seen: neither by the keys nor by a program that looks', async () => {
    const seen = new Set<string>();
    const panes = await agents(9, 'b');
    let looking = true;
    const looks = (async () => {
      while (looking) for (const line of await list('#{pane_left} #{@godel_kind}')) seen.add(line);
    })();
    for (let count = 1; count <= 9; count += 1) await sync(panes.slice(0, count));
    looking = false;
    await looks;
    // The board was always the left column, and agents were never left of the 37th.
    const lefts = [...seen].map((line) => line.split(' '));
    expect(lefts.filter(([, kind]) => kind === 'board').map(([left]) => left)).toEqual(['0']);
    expect(lefts.filter(([left, kind]) => kind === '' && Number(left) < 37)).toEqual([]);
  });

  test('focus and a person’s zoom stay when agents come and go', async () => {
    const panes = await agents(4, 'c');
    await sync(panes.slice(0, 2));
    await server.tmux('select-pane', '-t', panes[1] as string);
    await server.tmux('resize-pane', '-Z', '-t', panes[1] as string);
    // Newcomers in front of it as well.
    await sync([panes[2], panes[0], panes[3], panes[1]] as string[]);
    expect(await ask('#{pane_id} #{window_zoomed_flag}')).toBe(`${panes[1]} 1`);
    expect((await list('#{pane_id}')).slice(1)).toEqual([panes[2], panes[0], panes[3], panes[1]]);
    await sync(panes.slice(1));
    expect(await ask('#{pane_id} #{window_zoomed_flag}')).toBe(`${panes[1]} 1`);
    await server.tmux('resize-pane', '-Z', '-t', panes[1] as string);
    await until('its layout under the zoom', async () => (await list('#{pane_width}')).includes('36'));
  });

  test('agents that end while they are arranged stop nobody else', async () => {
    const panes = await agents(9, 'd');
    const arranged = sync(panes);
    await Promise.all(panes.slice(0, 3).map((pane) => server.tmux('kill-pane', '-t', pane).catch(() => undefined)));
    await arranged;
    await sync(panes);
    expect(await list('#{pane_id}')).toHaveLength(7);
  });

  test('from 160 columns to 10 and back everything finds its place', async () => {
    const panes = await agents(9, 'e');
    const resize = (x: number, y: number) =>
      server.tmux('resize-window', '-t', '=s:', '-x', String(x), '-y', String(y));
    await resize(10, 4);
    await sync(panes);
    await resize(80, 24);
    await until('all nine, one shown', async () => {
      const lines = await list('#{window_zoomed_flag}');
      return lines.length === 10 && lines.every((line) => line === '1');
    });
    await resize(160, 45);
    await until('the column of the board', async () =>
      (await list('#{@godel_kind} #{pane_width} #{window_zoomed_flag}')).includes('board 36 0'),
    );
  });
});

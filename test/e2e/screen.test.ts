/** The terminal: keys into a real tmux, text out of it, at several sizes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import { run } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, GODEL, type TestHome, until } from '../support/home.ts';

let home: TestHome;
const socket = `godel-outer-${process.pid}`;

/** The terminal a person sits at. */
async function outer(...args: string[]): Promise<string> {
  const result = await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env: home.env });
  if (result.code !== 0) throw new Error(`tmux ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}
const inner = async (...args: string[]) =>
  (await run('tmux', ['-L', home.paths.tmuxSocketName, ...args], { env: home.env })).stdout.trim();
const screen = () => outer('capture-pane', '-p', '-t', 'person');
const press = (...keys: string[]) => outer('send-keys', '-t', 'person', ...keys);
const sees = (text: string, limitMs = 20_000) =>
  until(`the screen shows "${text}"`, async () => (await screen()).includes(text), limitMs).catch(
    async (error: Error) => {
      throw new Error(`${error.message}\n${await screen()}`);
    },
  );

async function open(columns: number, rows: number): Promise<void> {
  const command = `cd "${home.repository}" && exec "${process.execPath}" "${GODEL}"`;
  await outer('new-session', '-d', '-s', 'person', '-x', String(columns), '-y', String(rows), command);
  await outer('set-option', '-g', 'status', 'off');
}

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
  await open(160, 45);
});
afterAll(async () => {
  await run('tmux', ['-L', socket, 'kill-server'], { env: home.env });
  await home.stop();
});

describe('a first session', () => {
  test('an empty board names the next key', async () => {
    await sees('No beads yet');
    expect(await screen()).toMatch(/\bn\b/);
  });

  test('n makes a bead, s lets a real agent work on it in a pane beside the board', async () => {
    await press('n');
    await sees('New bead');
    await press('-l', 'Write it down');
    await press('Enter');
    await sees('OPEN 1');
    await press('s');
    await sees('worker-1');
    await until(
      'review',
      async () => (await home.json<{ items: Bead[] }>('bead', 'list')).items[0]?.status === 'review',
    );
    await sees('REVIEW 1');
    const panes = (
      await inner('list-panes', '-a', '-F', '#{@godel_kind} #{@godel_name} #{pane_width} #{pane_left}')
    ).split('\n');
    expect(panes).toContain('board  36 0');
    expect(panes.some((line) => / worker-1 \d+ 37$/.test(line))).toBe(true);
  });

  test('d opens the review over the screen, a lands the work', async () => {
    // The selection went along with the bead to its new lane.
    await press('d');
    await sees('in 1 file');
    await press('a');
    await until('done', async () => (await home.json<{ items: Bead[] }>('bead', 'list')).items[0]?.status === 'done');
    expect(await git(home.repository, ['log', '-1', '--format=%(trailers:key=Bead,valueonly)'])).toMatch(/godel-/);
    await press('q');
    await sees('DONE 1');
  });

  test('the board is killed and comes back; a second terminal sees the same screen', async () => {
    const pid = (await run('pgrep', ['-f', 'dist/board.js'])).stdout.trim().split('\n');
    const own: string[] = [];
    for (const each of pid) {
      const { readFile } = await import('node:fs/promises');
      if ((await readFile(`/proc/${each}/environ`, 'latin1').catch(() => '')).includes(home.paths.stateDir))
        own.push(each);
    }
    for (const each of own) process.kill(Number(each), 'SIGKILL');
    await sees('DONE 1');
    await outer('new-window', '-d', '-n', 'second', `cd "${home.repository}" && exec "${process.execPath}" "${GODEL}"`);
    await until('second client', async () =>
      (await outer('capture-pane', '-p', '-t', 'person:second')).includes('DONE'),
    );
    await outer('kill-window', '-t', 'person:second');
  });
});

describe('sizes', () => {
  test('agents fill pages of nine with even cells, the board stays 36 columns on each page', async () => {
    const { items } = await home.json<{ items: Agent[] }>(
      'agent',
      'spawn',
      '--command',
      'sleep 1000',
      '--count',
      '11',
      '--name',
      'filler',
    );
    expect(items).toHaveLength(11);
    const grid = () => inner('list-panes', '-a', '-F', '#{window_index} #{@godel_kind}#{@godel_name} #{pane_left}');
    await until('two pages', async () => {
      const lines = (await grid()).split('\n').filter((line) => line.includes('filler'));
      return (
        new Set(lines.map((line) => line.split(' ')[0])).size === 2 &&
        lines.every((line) => Number(line.split(' ')[2]) >= 37)
      );
    });
    await press('C-g', 'n');
    await sees('filler-10');
    await sees('DONE 1');
    await press('C-g', 'p');
    await sees('filler-1 ');
    await sees('DONE 1');
  });

  test('80x24 shows one thing at a time, 20x5 breaks nothing, and coming back restores the layout', async () => {
    await outer('resize-window', '-t', 'person', '-x', '80', '-y', '24');
    await until('zoomed', async () =>
      (await inner('list-windows', '-a', '-F', '#{window_width} #{window_zoomed_flag}')).includes('80 1'),
    );
    await outer('resize-window', '-t', 'person', '-x', '20', '-y', '5');
    await until('tiny', async () => (await inner('list-windows', '-a', '-F', '#{window_width}')).includes('20'));
    await outer('resize-window', '-t', 'person', '-x', '160', '-y', '45');
    await until('36 columns again', async () =>
      (
        await inner('list-panes', '-a', '-F', '#{@godel_kind} #{pane_width} #{window_width} #{window_zoomed_flag}')
      ).includes('board 36 160 0'),
    );
    await sees('DONE 1');
  });

  test('C-g d detaches, and everything goes on', async () => {
    await press('C-g', 'd');
    await until(
      'detached',
      async () => (await run('tmux', ['-L', socket, 'has-session', '-t', 'person'], { env: home.env })).code !== 0,
    );
    expect((await home.json<{ items: Agent[] }>('agent', 'list')).items).toHaveLength(11);
    await open(120, 40);
    await sees('DONE 1');
  });
});

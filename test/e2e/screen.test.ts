/** The terminal: keys into a real tmux, text out of it, at several sizes. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, type TestHome, until } from '../support/home.ts';
import { createPerson, type Person } from '../support/person.ts';
import { processesWith } from '../support/processes.ts';
import { root } from '../support/tree.ts';

let home: TestHome;
let person: Person;

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
  person = createPerson(home);
  await person.open(160, 45);
});
afterAll(async () => {
  await person?.leave();
  await home.stop();
});

const firstBead = async () => (await home.json<{ items: Bead[] }>('bead', 'list')).items[0];

describe('a first session', () => {
  test('an empty board names the next key', async () => {
    await person.sees('No beads yet: press n');
  });

  test('n makes a bead, s lets a real agent work on it in a pane beside the board', async () => {
    await person.press('n');
    await person.sees('New bead');
    await person.type('Write it down');
    await person.press('Enter');
    await person.sees('OPEN 1');
    await person.press('s');
    await person.sees('worker-1');
    await until('review', async () => (await firstBead())?.status === 'review');
    await person.sees('REVIEW 1');
    const format = '#{@godel_kind} #{@godel_name} #{pane_width} #{pane_left}';
    const panes = (await person.inner('list-panes', '-a', '-F', format)).split('\n');
    expect(panes).toContain('board  36 0');
    expect(panes.some((line) => / worker-1 \d+ 37$/.test(line))).toBe(true);
  });

  test('d opens the review over the screen, a lands the work', async () => {
    // The selection went along with the bead to its new lane.
    await person.press('d');
    await person.sees('in 1 file');
    await person.press('a');
    await until('done', async () => (await firstBead())?.status === 'done');
    expect(await git(home.repository, ['log', '-1', '--format=%(trailers:key=Bead,valueonly)'])).toMatch(/godel-/);
    await person.sees('Landed');
    await person.press('q');
    await person.sees('DONE 1');
  });

  test('the board is killed and comes back; a second terminal sees the same screen', async () => {
    const program = `${process.execPath} ${join(root, 'dist/board.js')}`;
    const boards = () => processesWith(home.paths.stateDir).filter(({ command }) => command === program);
    const before = boards();
    expect(before).toHaveLength(1);
    for (const { pid } of before) process.kill(pid, 'SIGKILL');
    await until('another board', async () => boards().some(({ pid }) => pid !== before[0]?.pid));
    await person.sees('DONE 1');
    const second = createPerson(home);
    await second.open(120, 40);
    await second.sees('DONE 1');
    await second.leave();
    await until('one terminal', async () => {
      const clients = await person.inner('list-clients', '-F', '#{client_control_mode}');
      return clients.split('\n').filter((line) => line === '0').length === 1;
    });
  });
});

describe('eleven agents', () => {
  test('fill pages of nine with even cells, the board stays 36 columns on each page', async () => {
    const command = 'printf "> "; while read line; do echo "heard: $line"; done';
    const spawn = ['agent', 'spawn', '--command', command, '--count', '11', '--name', 'filler'];
    expect((await home.json<{ items: Agent[] }>(...spawn)).items).toHaveLength(11);
    const format = '#{window_index} #{@godel_kind}#{@godel_name} #{pane_left}';
    await until('two pages', async () => {
      const lines = (await person.inner('list-panes', '-a', '-F', format)).split('\n');
      const fillers = lines.filter((line) => line.includes('filler'));
      const pages = new Set(fillers.map((line) => line.split(' ')[0]));
      return fillers.length === 11 && pages.size === 2 && fillers.every((line) => Number(line.split(' ')[2]) >= 37);
    });
  });

  test('every key behind the prefix leads where the help says', async () => {
    await person.focusIs('board');
    const goes = async (name: string | RegExp, ...keys: string[]) => {
      await person.press('C-g', ...keys);
      await person.focusIs(name);
    };
    // Three by three: 1 2 3 / 4 5 6 / 7 8 9, the board on their left.
    // Of several panes to the right the one that was used last.
    await goes(/^filler-[147]$/, 'l');
    await home.json('board', 'focus', 'filler-1');
    await person.focusIs('filler-1');
    await goes('filler-2', 'Right');
    await goes('filler-5', 'j');
    await goes('filler-8', 'Down');
    await goes('filler-5', 'k');
    await goes('filler-2', 'Up');
    await goes('filler-1', 'h');
    await goes('board', 'Left');
    // Back to the pane that was used last, and to the board again.
    await goes('filler-1', 'b');
    await goes('board', 'Tab');
    await goes('filler-1', 'Tab');
    await goes('board', 'b');
    for (const [there, back] of [
      ['n', 'p'],
      ['2', '1'],
    ] as const) {
      await person.press('C-g', there);
      await person.sees(/filler-10.*waiting|filler-10.*idle|filler-10/);
      await person.sees('DONE 1');
      await person.press('C-g', back);
      await person.sees(/filler-9/);
      await person.sees('DONE 1');
    }
    await goes('filler-1', 'l');
    await person.press('C-g', 'z');
    await until('zoomed', async () => !(await person.screen()).includes('filler-2'));
    await person.press('C-g', 'z');
    await person.sees('filler-2');
    await person.press('C-g', '[');
    await person.sees(/\[0\/0\]/);
    await person.press('q');
    await until('no longer scrolling back', async () => !(await person.screen()).includes('[0/0]'));
    await person.press('C-g', '?');
    await person.focusIs('board');
    await person.sees('Make a bead');
    await person.press('Escape');
    await until('help is closed', async () => !(await person.screen()).includes('Make a bead'));
    await person.press('C-g', ':');
    await person.type('bead list');
    await person.sees(/: ?bead list/);
    await person.press('Escape');
    await until('the line is closed', async () => !/: ?bead list/.test(await person.screen()));
  });

  test('C-g m sends a line to the agent whose pane has the keys', async () => {
    await person.press('C-g', 'l');
    await person.focusIs('filler-1');
    await person.press('C-g', 'm');
    await person.sees('Message to filler-1');
    await person.type('-n it\'s "q" $PWD #S');
    await person.press('Enter');
    await person.sees('heard: -n it\'s "q" $PWD #S');
    await until('the popup is closed', async () => !(await person.screen()).includes('Message to filler-1'));
    // On the board it is the board's own line, to the agent that is selected.
    await person.press('C-g', 'b');
    await person.focusIs('board');
    await person.press('C-g', 'm');
    await person.sees(/To filler-|No agent/);
    // A key right behind Escape would be read as one key with Alt.
    await person.press('Escape');
    await until('the line is closed', async () => !/To filler-|No agent/.test(await person.screen()));
  });

  test('C-g a lists the agents by name and goes to the one that is chosen', async () => {
    await person.press('C-g', 'a');
    await person.sees(/filler-11 .*(idle|waiting|busy|unknown)/);
    await person.press('End');
    await person.press('Enter');
    // One of the two on the last page, whichever terminal was made last.
    await person.focusIs(/^filler-1[01]$/);
    await person.sees('DONE 1');
    await person.press('C-g', '1');
    await person.sees('filler-9');
  });

  test('C-g ! goes to the agent that waits for a person', async () => {
    const ask = ['--command', 'printf "Go on? [y/N] "; read answer; sleep 1000', '--name', 'asker'];
    await home.json('agent', 'spawn', ...ask);
    await until('waiting', async () => (await home.json<Agent>('agent', 'show', 'asker')).observed.state === 'waiting');
    await person.press('C-g', '!');
    await person.focusIs('asker');
    await home.json('agent', 'stop', 'asker');
  });
});

describe('sizes', () => {
  test('80x24 shows one thing at a time, 20x5 breaks nothing, and coming back restores the layout', async () => {
    const resize = (x: number, y: number) =>
      person.outer('resize-window', '-t', '=person:', '-x', String(x), '-y', String(y));
    const windows = () => person.inner('list-windows', '-a', '-F', '#{window_width} #{window_zoomed_flag}');
    await person.press('C-g', '1');
    await resize(80, 24);
    await until('zoomed', async () => (await windows()).includes('80 1'));
    await resize(20, 5);
    await until('tiny', async () => (await windows()).includes('20 1'));
    // Keys go on working there.
    await person.press('C-g', 'b');
    await resize(160, 45);
    const format = '#{@godel_kind} #{pane_width} #{window_width} #{window_zoomed_flag}';
    await until('36 columns again', async () =>
      (await person.inner('list-panes', '-a', '-F', format)).includes('board 36 160 0'),
    );
    await person.sees('DONE 1');
  });

  test('C-g d detaches, and everything goes on', async () => {
    await person.press('C-g', 'd');
    await until('detached', () =>
      person.outer('has-session', '-t', '=person').then(
        () => false,
        () => true,
      ),
    );
    const { items } = await home.json<{ items: Agent[] }>('agent', 'list');
    expect(items.filter(({ name }) => name.startsWith('filler-'))).toHaveLength(11);
    await person.open(120, 40);
    await person.sees('DONE 1');
  });
});

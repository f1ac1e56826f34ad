/** Keys of the board, pressed in a real tmux: each asks the daemon for what the table says, or shows it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { homePaths } from '../../src/base/paths.ts';
import { idOf, makeAgent, makeBead, makeSnapshot, PROJECT_ID } from '../support/board-data.ts';
import { bundle } from '../support/bundle.ts';
import { createFakeClient, type FakeClient } from '../support/fake-client.ts';
import { serveFake } from '../support/fake-daemon.ts';
import { until } from '../support/home.ts';
import { root } from '../support/tree.ts';

const socket = `godel-keys-${process.pid}`;
let folder = '';
let fake: FakeClient;
let served: { stop(): Promise<void> } | undefined;

const tmux = (...args: string[]) => execFileSync('tmux', ['-L', socket, ...args], { encoding: 'utf8' });
const screen = () => tmux('capture-pane', '-p', '-t', 't');
const shows = (text: string | RegExp) => (typeof text === 'string' ? screen().includes(text) : text.test(screen()));

async function press(key: string, text: string | RegExp): Promise<void> {
  tmux('send-keys', '-t', 't', key);
  await until(`${key} shows ${String(text)}`, async () => shows(text)).catch((error: Error) => {
    throw new Error(`${error.message}\n${screen()}`);
  });
}

/** Presses a key and waits until the daemon was asked; gives what it was asked with. */
async function asks(key: string, operation: FakeClient['calls'][number]['operation']): Promise<unknown> {
  const before = fake.calls.filter((call) => call.operation === operation).length;
  tmux('send-keys', '-t', 't', key);
  return until(`${key} asks for ${operation}`, async () => {
    const calls = fake.calls.filter((call) => call.operation === operation);
    return calls.length > before && (calls.at(-1)?.input ?? {});
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${screen()}`);
  });
}

/** Escape, and then nothing more until it had its effect: the next key right behind it would be Alt. */
async function closes(key: string, text: string): Promise<void> {
  tmux('send-keys', '-t', 't', key);
  await until(`${key} closes ${text}`, async () => !shows(text));
}
const type = (text: string) => tmux('send-keys', '-t', 't', '-l', '--', text);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  await bundle(join(root, 'tui/main.tsx'), join(folder, 'board.mjs'));
  const agents = [
    makeAgent(0, 'waiting', { beadId: idOf(2) }, Date.now()),
    makeAgent(1, 'failed', { beadId: idOf(4) }, Date.now()),
  ];
  const beads = [
    makeBead(0, { title: 'First', status: 'open', priority: 'high' }),
    makeBead(1, { title: 'Second', status: 'open', priority: 'medium' }),
    makeBead(2, { title: 'Third', status: 'in-progress', priority: 'high', agent: 'worker-0' }),
    makeBead(4, { title: 'Fifth', status: 'in-progress', priority: 'low', agent: 'worker-1' }),
    makeBead(3, { title: 'Fourth', status: 'review', priority: 'high', branch: 'bead/d' }),
    makeBead(5, { title: 'Sixth', status: 'review', priority: 'low', branch: 'bead/f' }),
  ];
  fake = createFakeClient(makeSnapshot(beads, agents));
  fake.answers.set('agentRestart', () => fake.state.agents[1]);
  const home = join(folder, 'home');
  const { socketFile } = homePaths({ GODEL_HOME: home });
  mkdirSync(dirname(socketFile), { recursive: true });
  served = await serveFake(fake, socketFile);
  const command = `exec env "GODEL_HOME=${home}" GODEL_PROJECT=${PROJECT_ID} "${process.execPath}" "${folder}/board.mjs"`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '40', '-s', 't', command);
  tmux('set', '-g', 'status', 'off');
  tmux('set', '-s', 'escape-time', '0');
  await until('the board', async () => shows('● live'));
});
afterAll(async () => {
  tmux('kill-server');
  await served?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('moving', () => {
  test('up and down', async () => {
    for (const key of ['j', 'Down', 'G', 'End', 'C-d', 'PageDown']) {
      await press(key, '>Second');
      await press(key === 'Down' ? 'Up' : 'k', '>First');
    }
    for (const key of ['g', 'Home', 'C-u', 'PageUp']) {
      await press('j', '>Second');
      await press(key, '>First');
    }
  });

  test('between lanes', async () => {
    for (const [right, left] of [
      ['l', 'h'],
      ['Right', 'Left'],
    ] as const) {
      await press(right, '▸IN-PROGRESS');
      await press(left, '▸OPEN');
    }
  });

  test('between cards and agents; x stops one, and asks first', async () => {
    for (const [there, back] of [
      ['Tab', 'BTab'],
      ['BTab', 'Tab'],
    ] as const) {
      tmux('send-keys', '-t', 't', there);
      await press('x', 'Stop worker-');
      await closes('n', 'Stop worker-');
      tmux('send-keys', '-t', 't', back);
      await press('e', 'Title');
      await closes('Escape', 'Title');
    }
  });
});

describe('a bead', () => {
  test('n makes one, o opens one, y copies its id, e renames it', async () => {
    await press('n', 'New bead');
    await closes('Escape', 'New bead');
    await press('o', idOf(0));
    await closes('q', idOf(0));
    await press('y', `Copied ${idOf(0)}`);
    await press('e', 'Title');
    type(' more');
    expect(await asks('Enter', 'beadUpdate')).toMatchObject({ id: idOf(0), title: 'First more' });
    await until('renamed', async () => shows('>First more'));
  });

  test('K J change its priority, u takes back, C-r does again', async () => {
    expect(await asks('K', 'beadUpdate')).toMatchObject({ priority: 'critical' });
    await until('told', async () => shows('is critical'));
    expect(await asks('u', 'beadUpdate')).toMatchObject({ priority: 'high' });
    await until('told', async () => shows('Undone'));
    expect(await asks('C-r', 'beadUpdate')).toMatchObject({ priority: 'critical' });
    await until('told', async () => shows('Redone'));
    expect(await asks('J', 'beadUpdate')).toMatchObject({ priority: 'high' });
    await until('told', async () => shows('is high'));
  });

  test('L H and shifted arrows move the card, and the selection with it', async () => {
    for (const [right, left] of [
      ['L', 'H'],
      ['S-Right', 'S-Left'],
    ] as const) {
      expect(await asks(right, 'beadStatus')).toMatchObject({ status: 'in-progress' });
      await until('moved', async () => shows('▸IN-PROGRESS 3'));
      expect(await asks(left, 'beadStatus')).toMatchObject({ status: 'open' });
      await until('moved back', async () => shows('▸OPEN 2'));
    }
  });

  test('space marks, and what follows is for all that are marked', async () => {
    await press('g', '>First');
    await press('Space', '>Second');
    tmux('send-keys', '-t', 't', 'Space');
    await press('y', new RegExp(`Copied ${idOf(0)} ${idOf(1)}|Copied ${idOf(1)} ${idOf(0)}`));
    // One level back each: the message, then the marks.
    await closes('Escape', 'Copied');
    await closes('Escape', '2 marked');
    await press('y', new RegExp(`Copied ${idOf(0)}(?! godel)|Copied ${idOf(1)}(?! godel)`));
  });
});

describe('agents', () => {
  test('Enter and ! go to one, m writes to it, p pauses it and lets it go on, r starts it again', async () => {
    const worker = fake.state.agents[0]?.id;
    await press('l', '▸IN-PROGRESS');
    await press('g', '>Third');
    expect(await asks('Enter', 'boardFocus')).toEqual({ agent: 'worker-0' });
    await until('told', async () => shows('Went to worker-0'));
    await press('G', '>Fifth');
    expect(await asks('!', 'boardFocus')).toEqual({ agent: 'worker-0' });
    await press('g', '>Third');
    await press('m', 'To worker-0');
    type('look at the log');
    expect(await asks('Enter', 'agentSend')).toEqual({ id: worker, text: 'look at the log' });
    await until('told', async () => shows('Message to worker-0 is queued'));
    expect(await asks('p', 'agentPause')).toEqual({ id: worker });
    await until('told', async () => shows('Paused worker-0'));
    expect(await asks('p', 'agentResume')).toEqual({ id: worker });
    await until('told', async () => shows('Resumed worker-0'));
    await press('G', '>Fifth');
    expect(await asks('r', 'agentRestart')).toEqual({ id: fake.state.agents[1]?.id });
    await until('told', async () => shows('Restarted worker-1'));
    await press('h', '▸OPEN');
  });

  test('s starts one on the bead, S with a prompt', async () => {
    await press('g', '>First');
    expect(await asks('s', 'agentSpawn')).toEqual({ bead: idOf(0) });
    await until('told', async () => shows('Spawned'));
    await press('h', '▸OPEN');
    await press('S', 'Prompt for the new agent');
    type('be quick');
    expect(await asks('Enter', 'agentSpawn')).toMatchObject({ prompt: 'be quick' });
    await until('told', async () => shows('Spawned'));
  });
});

describe('review', () => {
  test('d shows the diff, R sends back with a comment, a lands', async () => {
    await until('the selection went with the card', async () => shows('▸IN-PROGRESS 4'));
    await press('l', '▸REVIEW 2');
    await press('g', '>Fourth');
    expect(await asks('d', 'boardPopup')).toEqual({ kind: 'review', bead: idOf(3) });
    await press('R', 'What shall be changed?');
    type('name it better');
    expect(await asks('Enter', 'reviewReturn')).toEqual({ id: idOf(3), comment: 'name it better' });
    await until('told', async () => shows('is in progress again'));
    await until('the selection went with the card', async () => shows('▸IN-PROGRESS 5'));
    await press('l', '▸REVIEW 1');
    await press('G', '>Sixth');
    expect(await asks('a', 'reviewAccept')).toEqual({ id: idOf(5) });
    await until('landed', async () => shows('Landed') && shows('▸DONE 1'));
  });
});

describe('panels', () => {
  test('Enter opens a bead without agent; Esc closes it', async () => {
    await press('g', '>Sixth');
    await press('Enter', /status +done/);
    tmux('send-keys', '-t', 't', 'Escape');
    await until('the board is back', async () => shows('▸DONE 1'));
  });

  test('/ filters as one types; Enter keeps it, Escape on the board drops it', async () => {
    tmux('send-keys', '-t', 't', '/');
    type('Second');
    await until('the others are hidden', async () => shows('Second') && !shows('First'));
    await closes('Enter', '⏎ keep');
    expect(shows('/Second')).toBe(true);
    // One level back each: the message of the test before, when it is still there, then the filter.
    if (shows('Landed')) await closes('Escape', 'Landed');
    await closes('Escape', '/Second');
    await until('all are there again', async () => shows('First'));
  });

  test('? searches the keys and runs one', async () => {
    await press('?', 'Keys: type to search');
    type('what was run');
    await until('one is left', async () => !shows('Make a bead') && shows('Show what was run'));
    await press('Enter', 'What was run, newest first');
    await closes('Escape', 'What was run, newest first');
  });

  test('@ shows in the words of the CLI what the keys did', async () => {
    await press('@', 'What was run, newest first');
    expect(screen()).toContain(`godel review accept ${idOf(5)}`);
    await closes('q', 'What was run, newest first');
  });

  test(': completes a command and runs it', async () => {
    tmux('send-keys', '-t', 't', ':');
    type('worktree li');
    await press('Tab', 'worktree list');
    // The program beside this bundle is not there: the board says so instead of dying.
    await press('Enter', /: worktree list[\s\S]*Cannot find module/);
    await closes('Escape', ': worktree list');
  });

  test(', asks the three questions; Escape skips them', async () => {
    await press(',', 'Set up, 1 of 3');
    expect(await asks('Enter', 'configSet')).toMatchObject({ key: 'provider' });
    await until('the next question', async () => shows('Set up, 2 of 3'));
    await press('Escape', 'Skipped');
  });

  test('C-c leaves nothing behind by accident: it says how to leave', async () => {
    await press('C-c', 'C-g d detaches; daemon and agents go on');
    expect(shows('● live')).toBe(true);
  });
});

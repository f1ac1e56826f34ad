/** The bundled board and review popup, with the real client, in a private tmux. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { homePaths } from '../../src/base/paths.ts';
import { failure } from '../../src/errors.ts';
import { makeBead, makeSnapshot, PROJECT_ID, sampleSnapshot } from '../support/board-data.ts';
import { bundle } from '../support/bundle.ts';
import { createFakeClient, type FakeClient } from '../support/fake-client.ts';
import { serveFake } from '../support/fake-daemon.ts';
import { sampleDiff } from '../support/review-data.ts';

const root = join(import.meta.dirname, '..', '..');
// A server of its own for every start: one that is just ending refuses a new session.
let starts = 0;
let socket = '';
let folder = '';
let served: { stop(): Promise<void> } | undefined;

const tmux = (...args: string[]) => execFileSync('tmux', ['-L', socket, ...args], { encoding: 'utf8' });
const screen = () => tmux('capture-pane', '-p', '-t', 't');
const press = (...keys: string[]) => tmux('send-keys', '-t', 't', ...keys);

async function sees(text: string, timeoutMs = 8_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const shown = screen();
    if (shown.includes(text)) return;
    if (Date.now() > deadline) throw new Error(`No "${text}" on this screen:\n${shown}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'godel-tmux-'));
  await Promise.all([
    bundle(join(root, 'tui/main.tsx'), join(folder, 'board.mjs')),
    bundle(join(root, 'tui/review/main.tsx'), join(folder, 'review.mjs')),
  ]);
}, 30_000);
afterEach(async () => {
  try {
    tmux('kill-server');
  } catch {
    // No server: the test ended before it started one.
  }
  await served?.stop();
  served = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(program: string, fake: FakeClient, columns: number, rows: number): Promise<string> {
  starts += 1;
  socket = `godel-test-${process.pid}-${starts}`;
  const home = mkdtempSync(join(folder, 'home-'));
  const { socketFile } = homePaths({ GODEL_HOME: home });
  mkdirSync(dirname(socketFile), { recursive: true });
  served = await serveFake(fake, socketFile);
  const command = `cd "${folder}" && exec env "GODEL_HOME=${home}" GODEL_PROJECT=${PROJECT_ID} "${process.execPath}" ${program}`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), '-s', 't', command);
  tmux('set', '-g', 'status', 'off');
  tmux('set', '-s', 'escape-time', '0');
  return socketFile;
}

describe('the board in tmux', { timeout: 20_000 }, () => {
  it('creates, moves and spawns by keys, and stays when the daemon goes and comes', async () => {
    const fake = createFakeClient(makeSnapshot([]));
    const socketFile = await start('board.mjs', fake, 100, 30);
    await sees('● live');
    press('n');
    press('-l', 'Fix login');
    press('Enter');
    await sees('>Fix login');
    press('s');
    await sees('Spawned worker-0');
    await sees('IN-PROGRESS 1');
    await served?.stop();
    await sees('daemon away, since');
    served = await serveFake(fake, socketFile);
    await sees('● live');
    await sees('Fix login');
  });

  it('opens the review popup through the daemon and shows its refusal', async () => {
    const fake = createFakeClient(sampleSnapshot(40, Date.now()));
    fake.answers.set('boardPopup', () => {
      throw failure('not-a-terminal');
    });
    await start('board.mjs', fake, 36, 48);
    await sees('● live');
    press('l', 'l', 'd');
    await sees('The board needs a terminal');
    await sees('→ In scripts use');
  });
});

describe('the review popup in tmux', { timeout: 20_000 }, () => {
  const bead = makeBead(4, { status: 'review', title: 'Load files safely' });

  function reviewing(): FakeClient {
    const fake = createFakeClient(makeSnapshot([bead]));
    fake.answers.set('beadShow', () => bead);
    fake.answers.set('reviewDiff', () => sampleDiff(bead.id));
    return fake;
  }

  it('shows the diff, refuses conflicts with their files, and sends back with a comment', async () => {
    const fake = reviewing();
    fake.answers.set('reviewAccept', () => {
      throw failure('merge-conflict', { id: bead.id, main: 'main', files: ['src/load.ts'] });
    });
    await start(`review.mjs ${bead.id}`, fake, 100, 30);
    await sees('Load files safely');
    await sees('const tokenLifetime = 30;');
    press('a');
    await sees('conflicts with main in: src/load.ts');
    press('R');
    press('-l', 'Keep the limit');
    press('M-Enter');
    press('-l', 'and test it');
    press('Enter');
    await sees('is in progress again');
    expect(fake.calls.at(-1)?.input).toEqual({ id: bead.id, comment: 'Keep the limit\nand test it' });
  });

  it('writes the patch to a file and never over one', async () => {
    await start(`review.mjs ${bead.id}`, reviewing(), 170, 30);
    await sees('const tokenLifetime = 30;');
    expect(screen()).toMatch(/const limit = 10; +│ +12 \+ const tokenLifetime/);
    press('e', 'Enter');
    await sees('Wrote');
    expect(readFileSync(join(folder, `${bead.id}.patch`), 'utf8')).toBe(sampleDiff(bead.id).patch);
    press('e', 'Enter');
    await sees('exists already');
  });
});

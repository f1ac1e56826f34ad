/** The board as a program in a real pty: sizes, resizing, bytes a key costs, rest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../support/bundle.ts';
import { openPty, type PtyScreen } from '../support/pty-screen.ts';

const root = join(import.meta.dirname, '..', '..');
let folder = '';
let program = '';
const open: PtyScreen[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'godel-board-'));
  program = join(folder, 'board.mjs');
  await bundle(join(root, 'test/support/board-harness.tsx'), program);
}, 30_000);
afterEach(() => {
  for (const screen of open.splice(0)) screen.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(columns: number, rows: number, env: Record<string, string> = {}): PtyScreen {
  const screen = openPty(process.execPath, [program], { columns, rows }, { CI: '1', ...env });
  open.push(screen);
  return screen;
}

describe('the board in a terminal', { timeout: 30_000 }, () => {
  for (const [columns, rows] of [
    [36, 48],
    [80, 24],
    [120, 40],
    [200, 50],
  ] as const) {
    it(`draws cards, agents and hints at ${columns}x${rows}`, async () => {
      const screen = start(columns, rows);
      await screen.sees('● live');
      await screen.sees('AGENTS 4');
      await screen.sees(/n new.*\? help/);
      for (const lane of ['OPEN 20', 'IN-PROGRESS 5', 'REVIEW 5', 'DONE 10'])
        expect(screen.rows().join('\n')).toContain(lane);
      screen.press('j');
      await screen.sees(/>aaaa6|>Cache/);
    });
  }

  it('shows the selected card in 20x5, and keeps the selection through resizes', async () => {
    const screen = start(120, 40);
    await screen.sees('● live');
    screen.press('jj');
    await screen.sees(/>aaaab/);
    screen.resize(20, 5);
    await screen.sees(/>🚀 Release/);
    screen.resize(36, 48);
    await screen.sees(/>aaaab R !!/);
    screen.resize(3, 1);
    screen.resize(80, 24);
    await screen.sees(/>aaaab/);
    await screen.sees('● live');
    expect(screen.rows().at(-1)).toContain('? help');
  });

  it('never tears the screen with wide, joined or control characters in titles', async () => {
    const screen = start(36, 30, { BEADS: '0' });
    await screen.sees('No beads yet: press n');
    const titles = [
      '日本語日本語日本語日本語日本語日本語',
      '👨‍👩‍👧‍👦 family ❤️ flag 🇩🇪 key 1️⃣ skin 👍🏽',
      `e\u0301 zalgo \u202e reversed`,
    ];
    for (const title of titles) {
      screen.press('n');
      await screen.sees('New bead');
      screen.press(`\u001b[200~${title}\nsecond \u0007line\u001b[201~`);
      await screen.sees('second');
      screen.press('\r');
      await screen.sees('Created');
    }
    await screen.sees('OPEN 3');
    const rows = screen.rows();
    expect(rows[0]).toMatch(/^ Godel main-repo +\$0 {2}● live/);
    expect(rows.at(-1)).toMatch(/^ n new/);
    expect(rows).toHaveLength(30);
  });

  it('writes less than 1 KB a key with 1,000 beads, and nothing at rest', async () => {
    const screen = start(36, 48, { BEADS: '1000', QUIET: '1' });
    await screen.sees('● live');
    await screen.rest(500);
    const before = screen.bytes();
    const keys = 120;
    for (let key = 0; key < keys; key += 1) {
      const sent = screen.bytes();
      screen.press(key % 5 === 4 ? 'k' : 'j');
      while (screen.bytes() === sent) await new Promise((resolve) => setTimeout(resolve, 2));
      await screen.rest(25);
    }
    expect((screen.bytes() - before) / keys).toBeLessThan(1024);
    await screen.rest(500);
    const quiet = screen.bytes();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(screen.bytes() - quiet).toBe(0);
  });

  it('says in sight that the daemon is away, and comes back', async () => {
    const screen = start(80, 24);
    await screen.sees('● live');
    process.kill(screen.pty.pid, 'SIGUSR2');
    await screen.sees(/daemon away, since \d s/);
    await screen.sees(/daemon away, since [12] s/);
    process.kill(screen.pty.pid, 'SIGUSR2');
    await screen.sees('● live');
  });

  it('asks the first questions once and can be left by Esc', async () => {
    const screen = start(80, 24, { BEADS: '0', EMPTY: '1' });
    await screen.sees('Which model provider shall agents use?');
    screen.press('\u001b');
    await screen.sees(/No beads yet: *│/);
    await screen.sees('press n');
  });

  it('uses no colour when NO_COLOR is set, and says everything in letters', async () => {
    const screen = start(36, 48, { NO_COLOR: '1' });
    let raw = '';
    screen.pty.onData((data) => (raw += data));
    await screen.sees('waiting 1m!');
    screen.press('j');
    await screen.sees('>aaaa6 F !!');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is looked for.
    expect(raw).not.toMatch(/\u001b\[(?:\d+;)*(?:3[0-7]|9[0-7])m/);
  });
});

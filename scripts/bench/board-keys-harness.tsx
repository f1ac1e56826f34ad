/** The board for the key bench: KIND=board is the real one, ink = a tree of rows, whole = without incremental rendering, naive = every card. */
import '../../tui/environment.ts';
import { appendFileSync } from 'node:fs';
import { Box, render, Text, useInput } from 'ink';
import { memo, useSyncExternalStore } from 'react';
import { sampleSnapshot } from '../../test/support/board-data.ts';
import { createFakeClient } from '../../test/support/fake-client.ts';
import { createConnection } from '../../tui/connection.ts';
import { createController } from '../../tui/controller.ts';
import { createFrames } from '../../tui/frames.ts';
import { keyNames } from '../../tui/keys.ts';
import { initialModel, type Model } from '../../tui/model/state.ts';
import { createStore } from '../../tui/store.ts';
import { showScreen, sizeOf } from '../../tui/terminal.tsx';
import { paint } from '../../tui/theme.ts';
import { cardLines } from '../../tui/views/card.ts';
import { paintFrame } from '../../tui/views/frame.ts';

const kind = process.env.KIND ?? 'board';
const frames: number[] = [];
const store = createStore(initialModel(sizeOf(process.stdout), Date.now()), Date.now);
const client = createFakeClient(sampleSnapshot(Number(process.env.BEADS ?? '1000'), Date.now(), true));
const controller = createController(store, {
  client,
  copy: () => {},
  runCli: async () => ({ code: 0, output: '' }),
  rememberSetup: () => {},
});

/** All cards of the selected lane, cut by the terminal library: what a board without a virtual list does. */
function everyCard(model: Model): string[] {
  const lane = model.cursor.lane;
  return model.lanes[lane].flatMap((id) => {
    const bead = model.beads.get(id);
    if (!bead) return [];
    const look = { isSelected: model.selected[lane] === id, isFocused: true, isMarked: false, isStale: false };
    return cardLines(model, bead, look, model.size.columns, 'stacked').map((line) => paint(line, true));
  });
}

let started = process.cpuUsage();
const press = (key: string) => {
  if (key === 'C-c') {
    appendFileSync(process.env.FRAMES ?? '/dev/null', frames.map((ms) => `${ms}\n`).join(''));
    return app.unmount();
  }
  controller.press(key);
};
// Before ink reads the key, so that parsing it is counted too.
process.stdin.on('readable', () => (started = process.cpuUsage()));
const source = createFrames(store, (model) => (kind === 'naive' ? everyCard(model) : paintFrame(model, true)));
const painted = () => {
  const used = process.cpuUsage(started);
  frames.push((used.user + used.system) / 1000);
};

const Row = memo(function Row({ text }: { readonly text: string }) {
  return <Text wrap="truncate-end">{text === '' ? ' ' : text}</Text>;
});

/** The same rows drawn by ink, to compare with. */
function InkScreen() {
  const rows = useSyncExternalStore(source.subscribe, source.rows);
  useInput((input, key) => {
    for (const name of keyNames(input, key)) press(name);
  });
  return (
    <Box flexDirection="column" height={rows.length}>
      {rows.map((text, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place on the screen.
        <Row key={index} text={text} />
      ))}
    </Box>
  );
}

function showByInk() {
  const { rows } = sizeOf(process.stdout);
  const naive = (
    <Box height={rows} overflow="hidden" flexDirection="column">
      <Box flexShrink={0}>
        <InkScreen />
      </Box>
    </Box>
  );
  return render(kind === 'naive' ? naive : <InkScreen />, {
    alternateScreen: true,
    incrementalRendering: kind !== 'whole',
    maxFps: 60,
    interactive: true,
    exitOnCtrlC: false,
    onRender: painted,
  });
}

const app =
  kind === 'board'
    ? showScreen({ source, onKey: press, onPaste: () => {} }, process.stdout, process.stdin, painted)
    : showByInk();
createConnection({ client, store, now: Date.now }).start();
await app.waitUntilExit();
process.exit(0);

/**
 * What a key costs the board: CPU, bytes and time to the last byte, in a pty, with a daemon in memory. Compared in one run
 * with the same board drawn by ink, without incremental rendering, and with a list that is not virtual.
 * The bar: CPU p99 < 16 ms, bytes p99 < 1,024, for single steps and for jumps by half a window.
 * Use: node scripts/bench/board-keys.ts [keys]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '../../src/base/table.ts';
import { bundle } from '../../test/support/bundle.ts';
import { openPty, type PtyScreen } from '../../test/support/pty-screen.ts';

interface Variant {
  readonly name: string;
  readonly columns: number;
  readonly rows: number;
  readonly beads: number;
  readonly kind: string;
}

const keys = Number(process.argv[2] ?? '300');
const variants: readonly Variant[] = [
  { name: 'sidebar', columns: 36, rows: 48, beads: 1_000, kind: 'board' },
  { name: 'sidebar, rows by ink', columns: 36, rows: 48, beads: 1_000, kind: 'ink' },
  { name: 'sidebar, whole frames', columns: 36, rows: 48, beads: 1_000, kind: 'whole' },
  { name: 'sidebar, list not virtual', columns: 36, rows: 48, beads: 1_000, kind: 'naive' },
  { name: 'four columns', columns: 120, rows: 40, beads: 1_000, kind: 'board' },
  { name: 'four columns', columns: 200, rows: 50, beads: 1_000, kind: 'board' },
  { name: 'four columns, rows by ink', columns: 200, rows: 50, beads: 1_000, kind: 'ink' },
  { name: 'sidebar, 10,000 beads', columns: 36, rows: 48, beads: 10_000, kind: 'board' },
];

const TICK_MS = 10;

/** CPU time of a process in ms, from /proc; undefined where there is none. */
function cpuMs(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return undefined;
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Bytes and time of one key: until bytes came and then none for 20 ms, at most 1 s. */
async function measureKey(screen: PtyScreen, key: string): Promise<{ bytes: number; ms: number }> {
  const before = screen.bytes();
  const start = performance.now();
  screen.press(key);
  let ms = 0;
  let seen = before;
  while (performance.now() - start < 1_000) {
    await pause(1);
    if (screen.bytes() !== seen) {
      seen = screen.bytes();
      ms = performance.now() - start;
    } else if (seen !== before && performance.now() - start - ms > 20) break;
  }
  return { bytes: seen - before, ms };
}

/** Mostly down, sometimes up. The list that is not virtual does not scroll: its keys stay on the first screen. */
function keyOf(index: number, variant: Variant): string {
  if (variant.kind === 'naive' && index % 20 === 19) return 'g';
  // Every 25th key is a jump by half a window.
  if (index % 25 === 24) return index % 50 === 49 ? '\u0015' : '\u0004';
  return index % 7 === 6 ? 'k' : 'j';
}

async function measure(program: string, variant: Variant): Promise<string[]> {
  const frameFile = `${program}.${variant.kind}-${variant.columns}-${variant.beads}.frames`;
  const screen = openPty(process.execPath, [program], variant, {
    BEADS: String(variant.beads),
    QUIET: '1',
    KIND: variant.kind,
    FRAMES: frameFile,
  });
  try {
    await screen.sees(/>\w{5}/, 20_000);
    await screen.rest(300);
    for (let key = 0; key < 20; key += 1) await measureKey(screen, 'j');
    await measureKey(screen, 'g');
    const cpuBefore = cpuMs(screen.pty.pid);
    const samples = [];
    for (let key = 0; key < keys; key += 1) samples.push(await measureKey(screen, keyOf(key, variant)));
    const cpuAfter = cpuMs(screen.pty.pid);
    const bytes = samples.map((sample) => sample.bytes);
    const waits = samples.map((sample) => sample.ms);
    screen.press('\u0003');
    await screen.rest(300);
    const frames = readFileSync(frameFile, 'utf8').trim().split('\n').map(Number).slice(21);
    const perKey = cpuBefore === undefined || cpuAfter === undefined ? '-' : ((cpuAfter - cpuBefore) / keys).toFixed(1);
    return [
      variant.name,
      `${variant.columns}x${variant.rows}`,
      percentile(frames, 0.5).toFixed(1),
      percentile(frames, 0.99).toFixed(1),
      perKey,
      percentile(waits, 0.5).toFixed(1),
      percentile(waits, 0.99).toFixed(1),
      String(Math.round(bytes.reduce((sum, one) => sum + one, 0) / bytes.length)),
      String(percentile(bytes, 0.99)),
    ];
  } finally {
    screen.stop();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'godel-bench-'));
try {
  const program = join(folder, 'board.mjs');
  await bundle(join(import.meta.dirname, 'board-keys-harness.tsx'), program);
  const rows = [];
  for (const variant of variants) rows.push(await measure(program, variant));
  const head = ['BOARD', 'SIZE', 'CPU P50', 'CPU P99', 'PROCESS CPU', 'WALL P50', 'WALL P99', 'BYTES', 'BYTES P99'];
  process.stdout.write(
    `${keys} keys each; ms and bytes a key. CPU: from key to frame written, inside the program.\n${table(head, rows)}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

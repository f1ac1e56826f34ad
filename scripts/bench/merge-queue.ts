/**
 * The merge queue: trial merges and stacks beside one process a merge and real merges in a worktree; then a whole queue
 * with planted faults, real gates and real landings, beside gating every entry by itself. `--entries 200 --faults 0.1`.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { git, tryGit } from '../../src/base/git.ts';
import { run } from '../../src/base/process.ts';
import { table } from '../../src/base/table.ts';
import { buildStack } from '../../src/merge/stack.ts';
import { mergeTrees, trialMerges } from '../../src/merge/trial.ts';
import { makeBead, makeEntry } from '../../test/support/board-data.ts';
import { makeRepository } from '../../test/support/home.ts';
import { commitFiles, context, createMergeHome } from '../../test/support/merge-home.ts';

const { values: options } = parseArgs({
  options: {
    entries: { type: 'string', default: '200' },
    faults: { type: 'string', default: '0.1' },
    gates: { type: 'string', default: '1' },
    files: { type: 'string', default: '5000' },
  },
});
const ENTRIES = Number(options.entries);
const BRANCHES = 50;
/** The faults are the same in every run. */
let seed = 7;
const random = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; took: number }> {
  const started = performance.now();
  const result = await work();
  return { result, took: performance.now() - started };
}

/** A repository of many files and branches on it, one in seven of which clashes with another one. */
async function manyBranches(folder: string): Promise<{ gitDir: string; top: string; pins: string[] }> {
  const top = await makeRepository(join(folder, 'repo'));
  const gitDir = join(top, '.git');
  const files: Record<string, string> = {};
  for (let index = 0; index < Number(options.files); index += 1)
    files[`src/package-${index % 50}/file-${index}.txt`] = `${index}\n`.repeat(20);
  const input = Object.entries(files).flatMap(([path, text]) => [
    `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  ]);
  const head = 'commit refs/heads/main\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata 5\nmany\n\n';
  await git(gitDir, ['fast-import', '--quiet', '--force'], { input: `${head}${input.join('')}done\n` });
  await git(top, ['reset', '--quiet', '--hard', 'main']);
  const pins: string[] = [];
  for (let index = 0; index < BRANCHES; index += 1) {
    const file = index % 7 === 6 ? 'src/package-0/file-0.txt' : `src/package-${index}/file-${index}.txt`;
    pins.push(await commitFiles(gitDir, 'main', { [file]: `changed by ${index}\n` }, `branch ${index}`));
  }
  return { gitDir, top, pins };
}

async function trials(): Promise<string[][]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-bench-')));
  try {
    const { gitDir, top, pins } = await manyBranches(folder);
    const main = await git(gitDir, ['rev-parse', 'main']);
    const onMain = pins.map((pin) => [main, pin] as const);
    await trialMerges(gitDir, onMain);
    const one = await timed(() => trialMerges(gitDir, onMain));
    const each = await timed(async () => {
      for (const [ours, theirs] of onMain) await mergeTrees(gitDir, ours, theirs);
    });
    const pairs = pins.flatMap((pin, index) => pins.slice(index + 1).map((other) => [pin, other] as const));
    const all = await timed(() => trialMerges(gitDir, pairs));
    const entries = pins.map((pin, index) => makeEntry(makeBead(index), { pin, id: `e${index}` }));
    const stack = await timed(() => buildStack({ gitDir, base: main, entries, strategy: 'merge' }));
    const ten = await timed(() => buildStack({ gitDir, base: main, entries: entries.slice(0, 6), strategy: 'merge' }));
    const tree = join(folder, 'tree');
    await git(top, ['worktree', 'add', '--quiet', '--detach', tree, main]);
    const real = await timed(async () => {
      for (const pin of pins.slice(0, 6)) await tryGit(tree, ['merge', '--quiet', '--no-edit', pin]);
    });
    const clashes = all.result.filter((trial) => trial.files.length > 0).length;
    return [
      [`${BRANCHES} conflict checks against main`, ms(one.took), '< 50 ms', `${ms(each.took)} with a process each`],
      [
        `${pairs.length} pairs (${clashes} clash)`,
        ms(all.took),
        '',
        `${ms((each.took / BRANCHES) * pairs.length)} with a process each`,
      ],
      [`stack of ${BRANCHES} (${stack.result.items.length} fit)`, ms(stack.took), '< 500 ms', ''],
      ['stack of 6', ms(ten.took), '', `${ms(real.took)} with merges in a worktree`],
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface QueueRun {
  faulty: number;
  landed: number;
  innocentEvicted: number;
  red: number;
  gates: number;
  reruns: number;
  seconds: number;
}

async function wholeQueue(retries: number): Promise<QueueRun> {
  const gate = '! ls bad-* >/dev/null 2>&1';
  const home = await createMergeHome({
    gate_command: gate,
    merge_retries: retries,
    merge_gates: Number(options.gates),
  });
  const call = () => context(home.project.id);
  try {
    await home.service.handlers.mergePause({}, call());
    const faulty = new Set<string>();
    for (let index = 0; index < ENTRIES; index += 1) {
      const id = `godel-${index.toString(36).padStart(5, '0')}`;
      if (random() < Number(options.faults)) faulty.add(id);
      await home.work(id, { [`${faulty.has(id) ? 'bad' : 'good'}-${index}.txt`]: `${index}\n` });
      await home.accept(id, 0);
    }
    const start = await home.main();
    const { took } = await timed(async () => {
      await home.service.handlers.mergeResume({}, call());
      for (;;) {
        const { items } = await home.service.handlers.mergeList({ all: false, limit: 1 }, call());
        if (items.every((entry) => entry.status === 'evicted')) return;
        await delay(100);
      }
    });
    const { items, queue } = await home.service.handlers.mergeList({ all: true, limit: 1000 }, call());
    const tips = (await git(home.gitDir, ['log', '--first-parent', '--format=%H', `${start}..main`])).split('\n');
    let red = 0;
    for (const tip of tips) if ((await git(home.gitDir, ['ls-tree', '--name-only', tip])).includes('bad-')) red += 1;
    return {
      faulty: faulty.size,
      landed: items.filter((entry) => entry.status === 'landed').length,
      innocentEvicted: items.filter((entry) => entry.status === 'evicted' && !faulty.has(entry.beadId)).length,
      red,
      gates: queue.gateRuns,
      reruns: queue.reruns,
      seconds: took / 1000,
    };
  } finally {
    await home.stop();
  }
}

async function queues(): Promise<string[][]> {
  const rows: string[][] = [];
  for (const retries of [0, 1]) {
    const found = await wholeQueue(retries);
    const per = (found.landed / (found.gates - found.reruns)).toFixed(2);
    const all = (found.landed / found.gates).toFixed(2);
    const name = `${ENTRIES} entries, ${found.faulty} at fault, ${retries} re-runs before blame`;
    rows.push(
      [`${name}: landed`, String(found.landed), String(ENTRIES - found.faulty), `${found.seconds.toFixed(0)} s in all`],
      ['  innocents evicted, red tips of main', `${found.innocentEvicted}, ${found.red}`, '0, 0', ''],
      [
        '  landed a gate',
        per,
        '>= 1.7',
        `< 1 when every entry is gated by itself (${found.gates} gates, not ${ENTRIES})`,
      ],
      ['  landed a gate, re-runs counted', all, '', `${found.reruns} re-runs`],
    );
  }
  return rows;
}

const cores = (await run('nproc', []).catch(() => undefined))?.stdout.trim() ?? '?';
process.stdout.write(`merge queue, ${cores} cores\n`);
const rows = [...(await trials()), ...(await queues())];
process.stdout.write(`${table(['what', 'here', 'wanted', 'beside'], rows)}\n`);

/**
 * The table of the design, measured on the compiled programs, each number beside an alternative of the same run. The machine is
 * whatever it is, so read ratios. Topics: start-up, records, states, panes, recovery; all of them when none is named.
 * Use: node scripts/bench/index.ts [topic…] [--panes 50] [--agents 20] [--seconds 60] [--beads 10000,100000]
 */
import { parseArgs } from 'node:util';
import { table } from '../../src/base/table.ts';
import { type BenchHome, createBenchHome } from './bench-home.ts';
import { idle, spawning } from './panes.ts';
import { records } from './records.ts';
import { recovery } from './recovery.ts';
import { startUp } from './start-up.ts';
import { states } from './states.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    panes: { type: 'string', default: '50' },
    agents: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '60' },
    beads: { type: 'string', default: '10000,100000' },
  },
});
const panes = Number(options.panes);

async function inHome(work: (home: BenchHome) => Promise<string[][]>): Promise<string[][]> {
  const home = await createBenchHome();
  try {
    return await work(home);
  } finally {
    await home.remove();
  }
}

const topics: Record<string, () => Promise<string[][]>> = {
  'start-up': () => inHome(startUp),
  async records() {
    const rows: string[][] = [];
    for (const count of options.beads.split(',').map(Number)) {
      rows.push(...(await records(count, count > 10_000 ? '< 8 s' : '< 1 s')));
    }
    return rows;
  },
  recovery: () => inHome((home) => recovery(home, Number(options.agents))),
  states: () => inHome((home) => states(home, panes, Number(options.seconds))),
  panes: () =>
    inHome(async (home) => {
      await home.godel('bead', 'list');
      return [...(await spawning(home, panes)), ...(await idle(home, panes, Number(options.seconds)))];
    }),
};

const rows: string[][] = [];
for (const [name, measure] of Object.entries(topics)) {
  if (positionals.length === 0 || positionals.includes(name)) rows.push(...(await measure()));
}
process.stdout.write(`${table(['MEASURED', 'GODEL', 'BAR', 'BESIDE IT'], rows)}\n`);

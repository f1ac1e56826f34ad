/**
 * The board with a daemon in memory, as a program of its own for ptys and tmux. BEADS = how many beads, QUIET=1 = no
 * agent works, EMPTY=1 = first run. SIGUSR2 kills and revives the daemon in turn.
 */
import '../../tui/environment.ts';
import { startBoard } from '../../tui/board.tsx';
import { makeSnapshot, sampleSnapshot } from './board-data.ts';
import { createFakeClient } from './fake-client.ts';

const count = Number(process.env.BEADS ?? '40');
const isFirstRun = process.env.EMPTY === '1';
const snapshot =
  count === 0
    ? makeSnapshot([], [], { needsSetup: isFirstRun, spentUsd: 0 })
    : sampleSnapshot(count, Date.now(), process.env.QUIET === '1');
const client = createFakeClient(snapshot);
let isDead = false;
process.on('SIGUSR2', () => {
  isDead = !isDead;
  if (isDead) client.die();
  else client.revive();
});

const board = startBoard({
  client,
  runCli: async (args) => ({ code: 0, output: `ran: ${args.join(' ')}\n` }),
  stdout: process.stdout,
  stdin: process.stdin,
  env: process.env,
  now: Date.now,
  wasSetupAsked: () => false,
  rememberSetup: () => {},
});
await board.ended;
process.exit(0);

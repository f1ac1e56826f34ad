/**
 * The review popup with a daemon in memory. LINES = size of a made-up patch, EMPTY=1 = no change, GATE = fail | conflict | slow.
 */
import '../../tui/environment.ts';
import { failure } from '../../src/errors.ts';
import { runReview } from '../../tui/review/review.tsx';
import { makeBead, makeSnapshot } from './board-data.ts';
import { createFakeClient } from './fake-client.ts';
import { largeDiff, sampleDiff } from './review-data.ts';

const proof = {
  command: 'npm test',
  exitCode: 0,
  treeHash: 'd'.repeat(40),
  commit: 'c'.repeat(40),
  dirty: false,
  log: '',
  startedAt: '2026-11-21T10:00:00.000Z',
  durationMs: 1200,
};
const bead = makeBead(4, { status: 'review', proof, agent: 'worker-1' });
const client = createFakeClient(makeSnapshot([bead]));
const lines = Number(process.env.LINES ?? '0');
const diff = lines > 0 ? largeDiff(bead.id, lines) : sampleDiff(bead.id);
client.answers.set('beadShow', () => bead);
client.answers.set('reviewDiff', () =>
  process.env.EMPTY === '1' ? { ...diff, files: [], patch: '', truncated: false } : diff,
);
const gate = process.env.GATE;
if (gate === 'conflict') {
  client.answers.set('reviewAccept', () => {
    throw failure('merge-conflict', { id: bead.id, main: 'main', files: ['src/load.ts', 'README.md'] });
  });
}
if (gate === 'fail') {
  client.answers.set('reviewAccept', () => {
    throw failure('gate-failed', {
      command: 'npm test',
      exitCode: 1,
      logFile: '/home/me/.local/state/godel/logs/gate.log',
    });
  });
}
if (gate === 'slow') client.answers.set('reviewAccept', () => new Promise(() => {}));

await runReview({
  beadId: bead.id,
  client,
  stdout: process.stdout,
  stdin: process.stdin,
  env: process.env,
  now: Date.now,
  folder: process.env.FOLDER ?? process.cwd(),
  treeOf: async () => undefined,
});
process.exit(0);

/** `godel demo` is the proof without an API key: it exits 0 only when all of it really happened. */
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { run } from '../../src/base/process.ts';
import { missingProof } from '../../src/cli/demo.ts';
import { GODEL } from '../support/home.ts';

test('three real agents work, one bead lands, and nothing is left behind', async () => {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', TMPDIR: tmpdir(), LANG: 'C.UTF-8' };
  const result = await run(process.execPath, [GODEL, 'demo', '--json'], { env, timeoutMs: 120_000 });
  expect(result.code, result.stderr).toBe(0);
  const summary = JSON.parse(result.stdout) as {
    beads: { status: string; commits: number }[];
    landed: string[];
    requests: number;
    costUsd: number;
  };
  expect(summary.beads.map((bead) => bead.status).sort()).toEqual(['done', 'review', 'review']);
  expect(summary).toMatchObject({ landed: [expect.stringMatching(/^godel-/)], commits: 3 });
  expect(summary.requests).toBeGreaterThan(10);
  expect((await readdir(tmpdir())).filter((name) => name.startsWith('godel-demo-'))).toEqual([]);
});

test('a demo in which something did not happen is a failure', () => {
  const good = {
    beads: [{ id: 'a', title: 'a', status: 'done', commits: 1 }],
    landed: ['a'],
    commits: 1,
    requests: 5,
    costUsd: 0.1,
    seconds: 1,
  };
  expect(missingProof(good)).toBeUndefined();
  expect(missingProof({ ...good, landed: [] })).toContain('landed');
  expect(missingProof({ ...good, costUsd: 0 })).toContain('cost');
  expect(missingProof({ ...good, requests: 0 })).toContain('requests');
  expect(missingProof({ ...good, beads: [{ id: 'a', title: 'a', status: 'open', commits: 1 }] })).toContain('review');
});

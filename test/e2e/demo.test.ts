/** `godel demo` is the proof without an API key: it exits 0 only when all of it really happened. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRunning, run } from '../../src/base/process.ts';
import { missingProof } from '../../src/cli/demo.ts';
import { GODEL, until } from '../support/home.ts';

let folder: string;
const environment = () => ({ PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' });
const remains = async () => (await readdir(folder)).filter((name) => name.startsWith('godel-demo-'));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('three real agents work, one bead lands, and nothing is left behind', async () => {
  const result = await run(process.execPath, [GODEL, 'demo', '--json'], { env: environment(), timeoutMs: 120_000 });
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
  expect(await remains()).toEqual([]);
});

test('a demo whose daemon is killed fails, and leaves nothing behind either', async () => {
  const ended = run(process.execPath, [GODEL, 'demo', '--json'], { env: environment(), timeoutMs: 120_000 });
  const pidOf = (name: string) =>
    until(name, async () => {
      const [demo] = await remains();
      const text = await readFile(join(folder, demo ?? '', 'home', name), 'utf8').catch(() => '');
      return text.endsWith('\n') && (JSON.parse(text) as { pid: number }).pid;
    });
  const [proxy, daemon] = [await pidOf('proxy.json'), await pidOf('daemon.json')];
  process.kill(daemon, 'SIGKILL');
  expect((await ended).code).not.toBe(0);
  await until('the proxy ends', async () => !isRunning(proxy));
  expect(await remains()).toEqual([]);
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

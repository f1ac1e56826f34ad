/** A configuration that is edited by hand takes hold by itself, however the editor writes it, and nothing beside it is looked at. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { Log } from '../../../src/base/log.ts';
import { startConfigWatch } from '../../../src/daemon/config-watch.ts';
import { until } from '../../support/home.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
let watch: ReturnType<typeof startConfigWatch> | undefined;
afterEach(async () => {
  await watch?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('made, written into, replaced and taken away: each is noticed once', async () => {
  const file = join(folder, 'config.yaml');
  let seen = 0;
  const changed = async () => {
    seen += 1;
  };
  watch = startConfigWatch({ file, changed, log: pino({ level: 'silent' }) as Log });
  writeFileSync(file, 'provider: demo\n');
  await until('it is there', async () => seen === 1);
  writeFileSync(join(folder, 'godel.db-wal'), 'no matter');
  writeFileSync(file, 'provider: other\n');
  await until('it was written into', async () => seen === 2);
  writeFileSync(`${file}.new`, 'provider: third\n');
  renameSync(`${file}.new`, file);
  await until('it was replaced', async () => seen === 3);
  rmSync(file);
  await until('it is gone', async () => seen === 4);
  expect(seen).toBe(4);
});

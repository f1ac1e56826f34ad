/** The less happens, the less often the remote is asked; a push or fetch of the person brings the next exchange forward. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { newId } from '../../../src/base/id.ts';
import { startAutoSync } from '../../../src/daemon/auto-sync.ts';
import type { Core } from '../../../src/daemon/core.ts';
import type { Services } from '../../../src/daemon/services.ts';
import type { Project } from '../../../src/repos/schema.ts';
import type { RepoService } from '../../../src/repos/service.ts';
import { insertProject } from '../../../src/repos/store.ts';
import { openCore } from '../../support/graph-home.ts';
import { makeRepository } from '../../support/home.ts';

const INTERVAL_S = 100;

let folder: string;
let core: Core;
let project: Project;
let nowMs = 1_700_000_000_000;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-auto-sync-')));
  const path = await makeRepository(join(folder, 'repo'));
  const gitDir = join(path, '.git');
  project = { id: newId(), tenantId: 'default', name: 'repo', path, gitDir, mainBranch: 'main', createdAt: '' };
  await git(path, ['update-ref', 'refs/remotes/origin/main', 'HEAD']);
  await mkdir(join(path, '.godel'));
  const settings = `sync_remote: origin\nsync_interval_seconds: ${INTERVAL_S}\n`;
  await writeFile(join(path, '.godel', 'config.yaml'), settings);
  core = await openCore(join(folder, 'home'), () => nowMs);
  await core.database.transact((tx) => insertProject(tx, project));
});

afterEach(async () => {
  await core.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a push or fetch of the person ends the rest that silence made longer', async () => {
  const automatic = vi.fn(async () => undefined);
  const look = vi.fn(async () => project);
  const sync = startAutoSync({
    core,
    services: { sync: { automatic } } as unknown as Services,
    repos: { project: look } as unknown as RepoService,
  });
  /** Two more looks have begun, so the first of them is over. */
  const looked = async () => {
    const before = look.mock.calls.length;
    await vi.waitFor(() => expect(look.mock.calls.length).toBeGreaterThan(before + 1), { timeout: 20_000 });
  };
  try {
    await vi.waitFor(() => expect(automatic).toHaveBeenCalledTimes(1), { timeout: 20_000 });
    // It brought nothing, so the next one comes after twice the time.
    nowMs += INTERVAL_S * 1_500;
    await looked();
    expect(automatic).toHaveBeenCalledTimes(1);
    await git(project.path, ['commit', '-q', '--allow-empty', '-m', 'Pushed']);
    await git(project.path, ['update-ref', 'refs/remotes/origin/main', 'HEAD']);
    await vi.waitFor(() => expect(automatic).toHaveBeenCalledTimes(2), { timeout: 20_000 });
  } finally {
    await sync.stop();
  }
}, 90_000);

/**
 * Exchanges beads with the remote that is set: some time after a change, after a push or fetch of the person, and from
 * time to time, the less often the longer nothing happens. Without a remote it does nothing.
 */
import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../base/error.ts';
import type { RepoService } from '../repos/service.ts';
import { allProjects } from '../repos/store.ts';
import type { Core } from './core.ts';
import type { Services } from './services.ts';

export interface AutoSync {
  stop(): Promise<void>;
}

const TICK_MS = 2_000;
const STOP_MS = 2_000;
/** At rest the remote is asked this many times less often than set. */
const REST_FACTOR = 10;

interface State {
  changedMs: number;
  exchangedMs: number;
  /** Exchanges in a row that brought nothing. */
  quiet: number;
  remote: string;
  watcher?: FSWatcher | undefined;
  running?: Promise<unknown> | undefined;
}

export function startAutoSync(options: { core: Core; services: Services; repos: RepoService }): AutoSync {
  const { core, services, repos } = options;
  const { log, clock } = core;
  const states = new Map<string, State>();

  const unsubscribe = core.bus.subscribe((event) => {
    const { projectId } = event.metadata;
    const state = projectId === undefined ? undefined : states.get(projectId);
    if (state && event.source.component !== 'sync' && /^(bead|convoy):/.test(event.type))
      state.changedMs ||= clock.now();
  });

  /** A push or fetch of the person moves the tracking branches of the remote. */
  function follow(state: State, gitDir: string, remote: string): void {
    if (state.remote === remote && state.watcher) return;
    state.watcher?.close();
    state.remote = remote;
    try {
      const watcher = watchFolder(join(gitDir, 'refs', 'remotes', remote), () => {
        state.changedMs ||= clock.now();
      });
      watcher.on('error', () => watcher.close());
      watcher.on('close', () => {
        if (state.watcher === watcher) state.watcher = undefined;
      });
      state.watcher = watcher;
    } catch {
      // Nothing was fetched from it yet: the clock is left.
    }
  }

  async function visit(projectId: string): Promise<void> {
    const project = await repos.project(projectId);
    const { config } = await core.config.project(project.path);
    const state = states.get(projectId) ?? { changedMs: clock.now(), exchangedMs: 0, quiet: 0, remote: '' };
    states.set(projectId, state);
    if (config.sync_remote === '' || state.running) return;
    follow(state, project.gitDir, config.sync_remote);
    const interval = config.sync_interval_seconds * 1_000;
    const rest = state.changedMs > 0 ? interval : interval * Math.min(REST_FACTOR, 1 + state.quiet);
    if (Math.abs(clock.now() - state.exchangedMs) < rest) return;
    state.exchangedMs = clock.now();
    state.changedMs = 0;
    state.running = services.sync
      .automatic(projectId)
      .then((report) => {
        state.quiet = report && (report.received > 0 || report.sent) ? 0 : state.quiet + 1;
      })
      .catch((error: unknown) => {
        state.quiet += 1;
        log.warn({ projectId, problem: messageOf(error) }, 'exchange with the remote failed');
      })
      .finally(() => {
        state.running = undefined;
      });
  }

  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(async () => {
      for (const { id } of await allProjects(core.database.db)) {
        await visit(id).catch((error: unknown) =>
          log.debug({ projectId: id, problem: messageOf(error) }, 'exchange not possible'),
        );
      }
    });
  }, TICK_MS);

  return {
    async stop() {
      clearInterval(timer);
      unsubscribe();
      for (const state of states.values()) state.watcher?.close();
      await looking.catch(() => undefined);
      // An exchange that hangs in the network is left to its own limit: nothing of it can be lost.
      await Promise.race([Promise.all([...states.values()].map((state) => state.running)), delay(STOP_MS)]);
    },
  };
}

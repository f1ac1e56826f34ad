/** Starts every part in order and stops them in the opposite one. */
import { createServer } from 'node:net';
import { liveAgents } from '../agents/store.ts';
import { type Api, createApi } from '../api/server.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { HomePaths } from '../base/paths.ts';
import { keepsStatus } from '../beads/state.ts';
import type { Config } from '../config.ts';
import { policyOf } from '../costs/policy.ts';
import { failure } from '../errors.ts';
import { operations } from '../operations.ts';
import { createRepoService, type RepoService } from '../repos/service.ts';
import { allProjects } from '../repos/store.ts';
import { eventsSince } from '../storage/journal.ts';
import { createAuthority } from './agent-authority.ts';
import { type AgentParts, createAgentParts } from './agent-parts.ts';
import { startAgentWatch } from './agent-watch.ts';
import { startAutoSync } from './auto-sync.ts';
import { createBoard } from './board.ts';
import { type Core, createCore } from './core.ts';
import { createHealth, type HealthChecks } from './health.ts';
import { startInboxWatch } from './inbox-watch.ts';
import { startLeaseKeeper } from './leases.ts';
import { metricsText } from './metrics.ts';
import { createMoneyWatch } from './money-watch.ts';
import { startNotify } from './notify.ts';
import { probesOf } from './probes.ts';
import { programFiles } from './program-files.ts';
import { createProjectWatches } from './project-watch.ts';
import { createProxyProcess, type ProxyProcess } from './proxy-process.ts';
import { reportOf } from './proxy-reports.ts';
import { recoverAgents } from './recovery.ts';
import { createServices, type Services } from './services.ts';
import { startSetupWatch } from './setup-watch.ts';
import { type SnapshotLoop, startSnapshotLoop } from './snapshots.ts';
import { createTrafficFence } from './traffic-fence.ts';
import { createWorktreeParts } from './worktree-parts.ts';

export interface DaemonOptions {
  paths: HomePaths;
  environment: Readonly<Record<string, string | undefined>>;
  /** Keys of providers that were in the environment. */
  providerKeys: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Log;
  config: Config;
  version: string;
  /** How often this daemon was started again by itself. */
  restarts: number;
}

export interface Daemon {
  port: number;
  startedAt: string;
  stop(): Promise<void>;
}

type Stops = (() => Promise<void>)[];

/** Runs the stops in reverse; one that fails does not keep the others from running. */
async function stopAll(stops: Stops, log: Log): Promise<void> {
  for (const stop of [...stops].reverse()) {
    await stop().catch((error: unknown) => log.error({ problem: messageOf(error) }, 'a part did not stop'));
  }
}

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const stops: Stops = [];
  try {
    return await start(options, stops);
  } catch (error) {
    await stopAll(stops, options.log);
    throw error;
  }
}

async function start(options: DaemonOptions, stops: Stops): Promise<Daemon> {
  const { clock, log, version, restarts } = options;
  const startedAt = new Date(clock.now()).toISOString();
  const files = programFiles(import.meta.url);
  await assertPortFree(options.config.daemon_port);
  const core = await createCore(options);
  stops.push(core.stop);
  const later: { services?: Services } = {};
  const repos = startRepos(core, stops, async (project, ref) => later.services?.merging.refMoved(project, ref));
  const worktrees = createWorktreeParts(core, repos);
  stops.push(worktrees.stop);

  const money = createMoneyWatch({ core, parts: () => parts, refresh: () => proxy.refresh() });
  stops.push(money.stop);
  const ofThisLife = createTrafficFence({ core, parts: () => parts, money });
  const proxy = createProxyProcess({
    paths: core.paths,
    proxyFile: files.proxy,
    nodePath: process.execPath,
    port: options.config.proxy_port,
    version,
    environment: core.environment,
    policy: async () => policyOf((await core.config.daemon()).config, core.providers),
    onNotice: money.onNotice,
    onActivity: (activity) => {
      board.spendChanged(activity.agentId);
      snapshots.touch(activity.agentId);
      later.services?.sessions.onActivity(activity);
      ofThisLife(activity);
    },
    log,
  });
  stops.push(() => proxy.stop(false));
  const parts = createAgentParts({
    core,
    files,
    repos,
    worktrees: worktrees.service,
    proxy: () => proxy,
    size: () => board.agentSize(),
    touched: (agentId) => snapshots.touch(agentId),
  });
  stops.push(() => parts.runner.close());
  const board = createBoard({ core, parts, files, proxy, release: version });
  stops.push(board.stop);
  const snapshots = startSnapshots(core, parts, repos);
  stops.push(snapshots.stop);
  await attachKnown(core, repos);
  await startParts(core, parts, repos, proxy, stops);
  await money.start();
  await board.start();

  const health = createHealth(probesOf({ core, parts, proxy }), clock);
  let port = 0;
  const services = createServices({
    core,
    repos,
    worktrees: worktrees.service,
    parts,
    proxy,
    health,
    screen: board,
    version,
    startedAt,
    restarts,
    url: () => `http://127.0.0.1:${port}`,
  });
  worktrees.start();
  later.services = services;
  followBeads(core, services);
  startFollowers(core, parts, repos, services, stops);
  await startMerging(services, stops);
  const api = createDaemonApi({ core, repos, services, health, proxy, version, roles: parts.roles });
  stops.push(api.stop);
  port = await api.listenTcp(options.config.daemon_port);
  await api.listenSocket(core.paths.socketFile);
  return { port, startedAt, stop: () => stopAll(stops, log) };
}

async function startMerging({ merging }: Services, stops: Stops): Promise<void> {
  stops.push(merging.stop);
  await merging.start();
}

/** @throws GodelError port-taken, before anything is started for nothing */
async function assertPortFree(port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? failure('port-taken', { port, variable: 'GODEL_PORT' }, error) : error),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

function startRepos(core: Core, stops: Stops, refMoved: Parameters<typeof createProjectWatches>[1]): RepoService {
  const watches = createProjectWatches(core, refMoved);
  stops.push(watches.stop);
  return createRepoService({
    database: core.database,
    units: core.units,
    configOf: async (path) => (await core.config.project(path)).config,
    async attach(project) {
      await core.sync.attach(project);
      await watches.watch(project);
    },
    now: core.clock.now,
  });
}

function startSnapshots(core: Core, parts: AgentParts, repos: RepoService): SnapshotLoop {
  return startSnapshotLoop({
    agents: () => liveAgents(core.database.db),
    logFileOf: parts.launcher.logFileOf,
    async intervalSeconds(agent) {
      const project = await repos.project(agent.projectId);
      return (await core.config.project(project.path)).config.snapshot_seconds;
    },
    take: (agent) => parts.ending.snapshot(agent, 'interval'),
    now: core.clock.now,
    log: core.log,
  });
}

/** Attaches every known project; one whose repository is gone is reported and left. */
async function attachKnown(core: Core, repos: RepoService): Promise<void> {
  for (const project of await allProjects(core.database.db)) {
    await repos
      .resolveProject({ path: project.path })
      .catch((error: unknown) =>
        core.log.warn(
          { projectId: project.id, path: project.path, problem: messageOf(error) },
          'project cannot be used now',
        ),
      );
  }
}

/** Proxy, terminals and bridge; then every agent is found again. */
async function startParts(
  core: Core,
  parts: AgentParts,
  repos: RepoService,
  proxy: ProxyProcess,
  stops: Stops,
): Promise<void> {
  const leases = startLeaseKeeper(core);
  stops.push(leases.stop);
  const unwatchSetup = startSetupWatch(core);
  stops.push(async () => unwatchSetup());
  const { log } = core;
  // What can be refused is refused before anything that outlives the daemon is started.
  await parts.tmux.version();
  await Promise.all([proxy.start(), parts.tmux.ensure()]);
  const held = await parts.runner.list();
  const projectOf = (path: string) => repos.resolveProject({ path });
  const report = await recoverAgents({
    database: core.database,
    units: core.units,
    ending: parts.ending,
    agentsDir: core.paths.agentsDir,
    projectOf,
    held,
    log,
  });
  if (Object.values(report).some((count) => count > 0)) log.info(report, 'agents recovered');
  // Agents went on while no daemon ran, so nobody else could have taken their beads.
  await leases.renew();
  const unwatch = parts.runner.watch((each) =>
    parts.heldChanged(each).catch((error: unknown) => {
      log.error({ problem: messageOf(error) }, 'pane change not noted');
      return false;
    }),
  );
  const unlisten = parts.tmux.onLost(() => {
    log.error('the tmux server was lost; its agents ended with it');
    endLost(core, parts).catch((error: unknown) => log.error({ problem: messageOf(error) }, 'lost agents not noted'));
  });
  await parts.bridge.start();
  stops.push(
    () => parts.bridge.stop(),
    async () => {
      unwatch();
      unlisten();
    },
  );
}

/** What follows agents for as long as the daemon runs: their states and limits, the inbox, notifications, their return. */
function startFollowers(core: Core, parts: AgentParts, repos: RepoService, services: Services, stops: Stops): void {
  const inbox = startInboxWatch({ core, inbox: services.inbox, findAgent: parts.live.find });
  const notify = startNotify(core);
  const watch = startAgentWatch({
    core,
    parts,
    configOf: async (id) => (await core.config.project((await repos.project(id)).path)).config,
    onTimeOver: services.onTimeOver,
  });
  const exchange = startAutoSync({ core, services, repos });
  stops.push(watch.stop, inbox.stop, notify.stop, services.sessions.stop, services.revival.stop, exchange.stop);
  stops.push(async () => parts.memory.stop());
}

async function endLost(core: Core, parts: AgentParts): Promise<void> {
  const lost = await liveAgents(core.database.db);
  await Promise.all(lost.map((agent) => parts.ending.exited(agent, undefined)));
}

/** Convoys follow the status of their beads. */
function followBeads(core: Core, services: Services): void {
  core.bus.subscribe((event) => {
    const { projectId, beadId } = event.metadata;
    if (!event.type.startsWith('bead:') || !projectId || !beadId || keepsStatus(event)) return;
    services.convoys
      .beadChanged(projectId, beadId)
      .catch((error: unknown) => core.log.error({ problem: messageOf(error) }, 'convoy not updated'));
  });
}

interface DaemonApiOptions {
  core: Core;
  repos: RepoService;
  services: Services;
  health: HealthChecks;
  proxy: ProxyProcess;
  version: string;
  roles: AgentParts['roles'];
}

function createDaemonApi({ core, repos, services, health, proxy, version, roles }: DaemonApiOptions): Api {
  return createApi({
    operations,
    handlers: services.handlers,
    projects: { resolve: repos.resolveProject },
    authenticate: core.tokens.authenticate,
    authorize: createAuthority(core, roles),
    health,
    events: {
      bus: core.bus,
      since: (seq, limit, filter) => eventsSince(core.database.db, seq, limit, filter),
      lastSeq: () => core.range.last,
      oldestSeq: () => core.range.oldest,
    },
    metrics: () => metricsText({ core, proxy }),
    proxy: { url: () => (proxy.status() ? proxy.url() : undefined), report: (url) => reportOf(proxy.client, url) },
    version,
    log: core.log,
    clock: core.clock,
  });
}

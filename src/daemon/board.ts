/** The screens of all projects: kept in step with agents, their states and what was spent. */
import { spawn } from 'node:child_process';
import { serverEnvironment } from '../../runners/local/tmux-server.ts';
import { createScreen, type Screen } from '../../tui/layout/screen.ts';
import type { Size } from '../agents/runner.ts';
import type { Agent } from '../agents/schema.ts';
import { boardAgents, findAgent } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { shellQuote } from '../base/shell.ts';
import { statusCounts } from '../beads/store.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import { allProjects, findProject } from '../repos/store.ts';
import type { BoardScreen } from '../system/service.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';
import type { ProgramFiles } from './program-files.ts';
import type { ProxyProcess } from './proxy-process.ts';
import { statusLeft, statusRight } from './status-line.ts';

export interface Board extends BoardScreen {
  /** Money moved for an agent: the status line and the boards learn of it soon. */
  spendChanged(agentId: string): void;
  agentSize(): Size;
  /** Adopts the screens that are already there. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface BoardOptions {
  core: Core;
  parts: AgentParts;
  files: ProgramFiles;
  proxy: ProxyProcess;
  /** Of this program: the board's must be the same. */
  release: string;
}

/** Changes are gathered this long (ms) before the screen follows. */
const GATHER_MS = 60;
const SPEND_MS = 1_000;
const NANO = 1_000_000_000;

export function createBoard(options: BoardOptions): Board {
  const { core, parts, files, proxy } = options;
  const { database, log } = core;
  const screens = new Map<string, Screen>();
  const due = new Map<string, NodeJS.Timeout>();
  const spends = new Map<string, NodeJS.Timeout>();
  const spent = new Map<string, number>();
  let size: Size = { columns: 200, rows: 50 };

  function screenOf(projectId: string): Screen {
    const known = screens.get(projectId);
    if (known) return known;
    const base = serverEnvironment(core.environment);
    const screen = createScreen({
      server: parts.tmux,
      session: `godel-${projectId.slice(-12)}`,
      board: {
        argv: [process.execPath, files.board],
        env: { ...withoutTerm(base), GODEL_PROJECT: projectId, NODE_ENV: 'production' },
        release: options.release,
      },
      cli: { GODEL_NODE: process.execPath, GODEL_CLI: files.cli, GODEL_PROJECT: projectId },
      log,
    });
    screens.set(projectId, screen);
    return screen;
  }

  async function refreshNow(projectId: string): Promise<void> {
    const screen = screens.get(projectId);
    if (!screen) return;
    const agents = (await boardAgents(database.db, projectId)).filter(
      (agent) => !agent.headless && agent.pane !== undefined,
    );
    await screen.sync(
      agents.map((agent) => ({ pane: agent.pane as string, state: agent.observed.state, beadId: agent.beadId })),
    );
    const project = await findProject(database.db, projectId);
    const counts = await statusCounts(database.db, projectId);
    await screen.setStatus(statusLeft(project?.name ?? '', counts), statusRight(agents, spent.get(projectId)));
  }

  function refresh(projectId: string): void {
    if (due.has(projectId) || !screens.has(projectId)) return;
    const timer = setTimeout(() => {
      due.delete(projectId);
      refreshNow(projectId).catch((error: unknown) =>
        log.warn({ projectId, problem: messageOf(error) }, 'screen not refreshed'),
      );
    }, GATHER_MS);
    due.set(projectId, timer);
  }

  const unsubscribe = core.bus.subscribe((event) => {
    const { projectId } = event.metadata;
    if (projectId && /^(agent|bead):/.test(event.type)) refresh(projectId);
  });

  /** Reads the sum of a project and tells everybody, at most once a second. */
  async function announceSpend(projectId: string): Promise<void> {
    const spentUsd = (await proxy.client.spentNano(projectId)) / NANO;
    if (spent.get(projectId) === spentUsd) return;
    spent.set(projectId, spentUsd);
    await core.units.run((unit) =>
      unit.emit({
        type: 'cost:changed',
        component: 'costs',
        payload: { projectId, spentUsd },
        metadata: { projectId },
      }),
    );
    refresh(projectId);
  }

  async function spendOf(agentId: string): Promise<void> {
    const agent = await findAgent(database.db, agentId);
    if (!agent || spends.has(agent.projectId)) return;
    const { projectId } = agent;
    const timer = setTimeout(() => {
      spends.delete(projectId);
      announceSpend(projectId).catch((error: unknown) => log.debug({ problem: messageOf(error) }, 'spend not read'));
    }, SPEND_MS);
    spends.set(projectId, timer);
  }

  async function openPopup(screen: Screen, argv: readonly string[], project: Project): Promise<void> {
    const [client] = await screen.clients();
    if (client === undefined) throw failure('not-a-terminal');
    const env = { ...serverEnvironment(core.environment), GODEL_PROJECT: project.id, NODE_ENV: 'production' };
    const pairs = Object.entries(env).map(([name, value]) => shellQuote(`${name}=${value}`));
    const command = `exec env -i TERM="$TERM" ${pairs.join(' ')} ${argv.map(shellQuote).join(' ')}`;
    const [file = 'tmux', ...args] = parts.tmux.command;
    // The call lasts as long as the popup is open, so it has a process of its own.
    const child = spawn(file, [...args, 'display-popup', '-c', client, '-E', '-w', '95%', '-h', '95%', command], {
      env: parts.tmux.env,
      stdio: 'ignore',
    });
    child.on('error', (error) => log.warn({ problem: messageOf(error) }, 'popup could not be opened'));
    child.unref();
  }

  return {
    async open(project, wanted) {
      size = { columns: wanted.columns, rows: wanted.rows };
      const screen = screenOf(project.id);
      await screen.ensure(wanted);
      await refreshNow(project.id);
      void announceSpend(project.id).catch(() => undefined);
      return screen.attachCommand();
    },
    async focusAgent(agent: Agent) {
      if (agent.pane === undefined) throw failure('agent-not-live', { name: agent.name, state: agent.lifecycle });
      await screenOf(agent.projectId).focus(agent.pane);
    },
    async focusBoard(project) {
      await screenOf(project.id).focus(undefined);
    },
    popup: (kind, beadId, project) => openPopup(screenOf(project.id), [process.execPath, files[kind], beadId], project),
    spendChanged: (agentId) => void spendOf(agentId).catch(() => undefined),
    agentSize: () => size,
    async start() {
      const sessions = await parts.tmux.tmux('list-sessions', '-F', '#{session_name}');
      for (const project of await allProjects(database.db)) {
        if (!sessions.includes(`godel-${project.id.slice(-12)}`)) continue;
        const screen = screenOf(project.id);
        await screen
          .ensure(size)
          .catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'screen not adopted'));
        refresh(project.id);
      }
    },
    async stop() {
      unsubscribe();
      for (const timer of [...due.values(), ...spends.values()]) clearTimeout(timer);
      await Promise.all([...screens.values()].map((screen) => screen.stop()));
    },
  };
}

function withoutTerm(env: Record<string, string>): Record<string, string> {
  const { TERM: _term, ...rest } = env;
  return rest;
}

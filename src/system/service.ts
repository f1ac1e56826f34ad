/** Handlers for the daemon's own operations: status, board, events, configuration. */
import { dirname } from 'node:path';
import type { Handlers } from '../access/context.ts';
import type { Agent } from '../agents/schema.ts';
import { boardAgents, liveAgents, resolveAgent } from '../agents/store.ts';
import { typeMatcher } from '../base/event.ts';
import { toPage } from '../base/page.ts';
import type { HomePaths } from '../base/paths.ts';
import { allBeads } from '../beads/store.ts';
import { type Config, configSchema } from '../config.ts';
import { allConvoys } from '../convoys/store.ts';
import { failure } from '../errors.ts';
import { openItems } from '../inbox/store.ts';
import type { MergeView } from '../merge/schema.ts';
import type { Project } from '../repos/schema.ts';
import { allProjects, findProject } from '../repos/store.ts';
import type { Database } from '../storage/database.ts';
import { eventRange, eventsSince } from '../storage/journal.ts';
import type { systemOperations } from './operations.ts';
import type { Health } from './schema.ts';

/** What the board operations need of the screen. */
export interface BoardScreen {
  open(project: Project, size: { columns: number; rows: number }): Promise<readonly string[]>;
  focusAgent(agent: Agent): Promise<void>;
  focusBoard(project: Project): Promise<void>;
  popup(kind: 'review', beadId: string, project: Project): Promise<void>;
}

export interface SystemServiceOptions {
  database: Database;
  paths: HomePaths;
  version: string;
  startedAt: string;
  restarts: number;
  url: () => string;
  proxy: () => { url: string; pid: number } | undefined;
  health: () => Promise<Health>;
  screen: BoardScreen;
  freshAgent: (agent: Agent) => Agent;
  merge: (projectId: string) => Promise<MergeView>;
  spentUsd: (projectId: string) => Promise<number>;
  hasProvider: (projectPath: string) => Promise<boolean>;
  config: {
    daemon(): Promise<{ config: Config; origins: ReadonlyMap<string, string> }>;
    project(path: string): Promise<{ config: Config; origins: ReadonlyMap<string, string> }>;
    set(target: { projectPath?: string }, key: string, value: string): Promise<{ value: unknown; origin: string }>;
    changed(): Promise<void>;
  };
}

type Service = Handlers<typeof systemOperations>;

/** Rows read at once while a pattern is searched for. */
const EVENT_BATCH = 2_000;

export function createSystemService(options: SystemServiceOptions): Service {
  const { database, paths } = options;

  async function project(id: string): Promise<Project> {
    const found = await findProject(database.db, id);
    if (!found) throw failure('project-unknown', { path: id });
    return found;
  }

  const events: Service['eventList'] = async (input) => {
    const found = [];
    let since = Math.max(input.since, Number(input.cursor ?? 0));
    const isWanted = typeMatcher(input.type ?? '*');
    while (found.length <= input.limit) {
      const batch = await eventsSince(database.db, since, EVENT_BATCH);
      found.push(...batch.filter((event) => isWanted(event.type)));
      if (batch.length < EVENT_BATCH) break;
      since = batch.at(-1)?.seq ?? since;
    }
    return toPage(found, input.limit, (event) => String(event.seq));
  };

  const snapshot: Service['boardShow'] = async (_input, { projectId }) => {
    const current = await project(projectId);
    // The position is read first: an event that comes in between is then applied twice, never missed.
    const { last } = await eventRange(database.db);
    const [beads, convoys, agents, inbox, merge, spentUsd, hasProvider] = await Promise.all([
      allBeads(database.db, projectId),
      allConvoys(database.db, projectId),
      boardAgents(database.db, projectId),
      openItems(database.db, projectId),
      options.merge(projectId),
      options.spentUsd(projectId),
      options.hasProvider(current.path),
    ]);
    return {
      seq: last,
      project: current,
      beads,
      convoys,
      agents: agents.map(options.freshAgent),
      inbox,
      merge,
      spentUsd,
      needsSetup: !hasProvider,
    };
  };

  /** The agent that has waited for a person the longest. */
  async function nextWaiting(projectId: string): Promise<Agent | undefined> {
    const waiting = (await boardAgents(database.db, projectId)).filter((agent) => agent.observed.state === 'waiting');
    return waiting.sort((a, b) => a.observed.since.localeCompare(b.observed.since))[0];
  }

  /** The project a home-scoped request was made in, when it was made in one. */
  const projectPath = async (projectId: string): Promise<string | undefined> =>
    projectId === '' ? undefined : (await findProject(database.db, projectId))?.path;

  return {
    async systemStatus() {
      const proxy = options.proxy();
      return {
        pid: process.pid,
        version: options.version,
        startedAt: options.startedAt,
        restarts: options.restarts,
        home: dirname(paths.databaseFile),
        socket: paths.socketFile,
        url: options.url(),
        ...(proxy ? { proxyUrl: proxy.url, proxyPid: proxy.pid } : {}),
        projects: (await allProjects(database.db)).length,
        agents: (await liveAgents(database.db)).length,
        health: await options.health(),
      };
    },
    boardShow: snapshot,
    boardOpen: async (input, { projectId }) => ({
      command: [...(await options.screen.open(await project(projectId), input))],
    }),
    async boardFocus(input, { projectId }) {
      const agent = input.waiting
        ? await nextWaiting(projectId)
        : input.agent && (await resolveAgent(database.db, projectId, input.agent));
      if (!agent) {
        await options.screen.focusBoard(await project(projectId));
        return { focused: 'board' };
      }
      await options.screen.focusAgent(agent);
      return { focused: agent.name };
    },
    async boardPopup(input, { projectId }) {
      await options.screen.popup(input.kind, input.bead, await project(projectId));
      return { opened: true };
    },
    eventList: events,
    async configShow(input, { projectId }) {
      const path = await projectPath(projectId);
      const { config, origins } =
        path === undefined ? await options.config.daemon() : await options.config.project(path);
      const items = Object.entries(configSchema.shape).map(([key, schema]) => ({
        key,
        value: config[key as keyof Config] ?? null,
        origin: origins.get(key) ?? 'default',
        description: schema.description ?? '',
      }));
      return { items, origin: input.origin };
    },
    async configSet(input, { projectId }) {
      const path = input.user ? undefined : await projectPath(projectId);
      const { value, origin } = await options.config.set(
        path === undefined ? {} : { projectPath: path },
        input.key,
        input.value,
      );
      await options.config.changed();
      const schema = (configSchema.shape as Record<string, { description?: string | undefined }>)[input.key];
      return { key: input.key, value, origin, description: schema?.description ?? '' };
    },
  };
}

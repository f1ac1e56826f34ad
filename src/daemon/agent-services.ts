/** Handlers of agents, and what brings agents back. */
import { createAgentService } from '../agents/service.ts';
import { type ChooseModel, createStarter, type Starter, type StarterOptions } from '../agents/starting.ts';
import { modelOfTier } from '../costs/policy.ts';
import { chooseModel, providersOf } from '../costs/providers.ts';
import type { RepoService } from '../repos/service.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';
import { type Revival, startRevival } from './revival.ts';

export interface AgentServicesOptions extends Pick<StarterOptions, 'configOf' | 'resolveBead'> {
  core: Core;
  parts: AgentParts;
  repos: RepoService;
}

export interface AgentServices {
  agents: ReturnType<typeof createAgentService>;
  revival: Revival;
  starter: Starter;
  chooseModel: ChooseModel;
}

const chooseModelOf =
  (core: Core): ChooseModel =>
  (config, runtime, wanted) =>
    runtime.dialects.length === 0
      ? undefined
      : chooseModel(providersOf(config, core.providers), config, {
          ...wanted,
          model: modelOfTier(config, core.providers, wanted),
        });

export function createAgentServices(options: AgentServicesOptions): AgentServices {
  const { core, parts, repos, configOf, resolveBead } = options;
  const shared = { units: core.units, ...parts, configOf, resolveBead, chooseModel: chooseModelOf(core) };
  const starter = createStarter({ ...shared, project: (id) => repos.project(id) });
  const revival = startRevival({ core, parts, starter });
  const agents = createAgentService({
    ...shared,
    project: (id) => repos.project(id),
    findRole: parts.roles.find,
    database: core.database,
    toldOf: parts.live.named,
    starter,
    recover: revival.recover,
    log: core.log,
  });
  return { agents, revival, starter, chooseModel: shared.chooseModel };
}

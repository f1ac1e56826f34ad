/** What an agent may present: a token for Godel's own interface and a virtual key for the proxy, made and taken back together. */
import { hashToken, newToken } from '../access/tokens.ts';
import type { Credentials } from '../agents/launch.ts';
import type { Agent } from '../agents/schema.ts';
import { messageOf } from '../base/error.ts';
import type { Config } from '../config.ts';
import { allConvoys } from '../convoys/store.ts';
import type { LimitSet } from '../costs/schema.ts';
import { findProject } from '../repos/store.ts';
import type { Core } from './core.ts';
import type { ProxyProcess } from './proxy-process.ts';

export interface AgentCredentials {
  /** The limits are those of its role. */
  issue(agent: Agent, limits: LimitSet): Promise<Credentials>;
  revoke(agentId: string): Promise<void>;
}

const NANO = 1_000_000_000;

export function createAgentCredentials(
  core: Core,
  proxy: () => ProxyProcess,
  configOf: (projectId: string) => Promise<Pick<Config, 'record_bodies' | 'team'>>,
): AgentCredentials {
  const { database, clock, log } = core;

  async function convoyOf(agent: Agent): Promise<string | undefined> {
    const { beadId } = agent;
    if (beadId === undefined) return undefined;
    return (await allConvoys(database.db, agent.projectId)).find((convoy) => convoy.beads.includes(beadId))?.id;
  }

  return {
    async issue(agent, limits) {
      const { budgetUsd } = agent;
      const virtualKey = newToken('virtual');
      const convoyId = await convoyOf(agent);
      const { record_bodies: record, team } = await configOf(agent.projectId);
      const project = await findProject(database.db, agent.projectId);
      await proxy().client.putKey({
        hash: hashToken(virtualKey),
        agentId: agent.id,
        agentName: agent.name,
        generation: agent.generation,
        projectId: agent.projectId,
        record,
        ...(agent.userId === undefined ? {} : { userId: agent.userId }),
        ...(team === undefined || team === '' ? {} : { teamId: team }),
        ...(project === undefined ? {} : { tenantId: project.tenantId }),
        createdAt: new Date(clock.now()).toISOString(),
        ...(Object.keys(limits).length > 0 ? { limits } : {}),
        ...(agent.beadId === undefined ? {} : { beadId: agent.beadId }),
        ...(convoyId === undefined ? {} : { convoyId }),
        ...(budgetUsd === undefined ? {} : { budgetNano: Math.round(budgetUsd * NANO) }),
      });
      const token = await core.tokens.issue('agent', { kind: 'agent', id: agent.id, name: agent.name });
      return { token, virtualKey };
    },
    async revoke(agentId) {
      await core.tokens.revoke(agentId);
      await proxy()
        .client.deleteKeysOfAgent(agentId)
        .catch((error: unknown) =>
          log.error({ agentId, problem: messageOf(error) }, 'virtual key could not be revoked'),
        );
    },
  };
}

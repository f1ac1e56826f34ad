/** Reports of what was spent; the numbers are the proxy's ledger. */
import type { Handlers } from '../access/context.ts';
import type { costOperations } from './operations.ts';
import type { UsageReport } from './schema.ts';

export interface CostServiceOptions {
  usage: (filter: { projectId: string; agentId?: string; beadId?: string; since?: string }) => Promise<UsageReport>;
  agentId: (projectId: string, text: string) => Promise<string>;
  beadId: (projectId: string, text: string) => Promise<string>;
}

export function createCostService(options: CostServiceOptions): Handlers<typeof costOperations> {
  return {
    async costShow(input, { projectId }) {
      return options.usage({
        projectId,
        ...(input.agent === undefined ? {} : { agentId: await options.agentId(projectId, input.agent) }),
        ...(input.bead === undefined ? {} : { beadId: await options.beadId(projectId, input.bead) }),
        ...(input.since === undefined ? {} : { since: input.since }),
      });
    },
  };
}

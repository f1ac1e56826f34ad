/** The handlers of the work graph: beads, claims, convoys, templates, import and export. */
import type { Handlers } from '../access/context.ts';
import { createBulkService } from '../beads/bulk.ts';
import type { bulkOperations } from '../beads/bulk-operations.ts';
import type { claimOperations } from '../beads/claim-operations.ts';
import { createClaimService } from '../beads/claim-service.ts';
import type { graphOperations } from '../beads/graph-operations.ts';
import { createGraphService } from '../beads/graph-service.ts';
import { beadsOf } from '../beads/listing.ts';
import type { beadOperations } from '../beads/operations.ts';
import { type BeadServiceOptions, createBeadService } from '../beads/service.ts';
import { beadStatuses, doneSince, resolveBead } from '../beads/store.ts';
import type { convoyOperations } from '../convoys/operations.ts';
import { type ConvoyService, createConvoyService } from '../convoys/service.ts';
import { resolveConvoy } from '../convoys/store.ts';
import type { exchangeOperations } from '../exchange/operations.ts';
import { createExchangeService } from '../exchange/service.ts';
import type { templateOperations } from '../templates/operations.ts';
import { createTemplateService } from '../templates/service.ts';
import type { Core } from './core.ts';

type WorkOperations = typeof beadOperations &
  typeof graphOperations &
  typeof claimOperations &
  typeof bulkOperations &
  typeof convoyOperations &
  typeof exchangeOperations &
  typeof templateOperations;

export interface WorkParts {
  handlers: Handlers<WorkOperations>;
  convoys: ConvoyService;
}

/** What the work graph needs of agents and repositories. */
export interface WorkSurroundings
  extends Pick<
    BeadServiceOptions,
    'beadOfAgent' | 'agentName' | 'liveAgentOf' | 'prove' | 'mainBranch' | 'todosOf' | 'openTodos'
  > {
  projectPath: (id: string) => Promise<string>;
}

export function createWorkParts(
  core: Pick<Core, 'database' | 'units' | 'clock' | 'searchFill'>,
  surroundings: WorkSurroundings,
): WorkParts {
  const { database, units, clock } = core;
  const { db } = database;
  const beadOf = (projectId: string, id: string) => resolveBead(db, projectId, id);
  const beadId = async (projectId: string, text: string) => (await beadOf(projectId, text)).id;
  const convoyId = async (projectId: string, text: string) => (await resolveConvoy(db, projectId, text)).id;
  const parts = { database, units, clock, convoyId, searchable: core.searchFill.done };
  const templates = createTemplateService({ clock, projectPath: surroundings.projectPath });
  const { plan: planTemplate, ...templateHandlers } = templates;
  const beads = createBeadService({ ...parts, ...surroundings, planTemplate });
  const convoys = createConvoyService({ ...parts, resolveBead: beadOf, beadsOf, beadStatuses, doneSince });
  const handlers = {
    ...beads,
    ...createGraphService({ ...parts, note: beads.beadNote }),
    ...createClaimService(parts),
    ...createBulkService({ units, agentName: surroundings.agentName, mainBranch: surroundings.mainBranch }),
    ...convoys,
    ...createExchangeService({ ...parts, beadId }),
    ...templateHandlers,
  };
  return { handlers, convoys };
}

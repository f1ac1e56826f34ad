/** Reads recordings; they are the proxy's, which keeps them beside its ledger. */
import type { Handlers } from '../access/context.ts';
import { failure } from '../errors.ts';
import type { recordingOperations } from './operations.ts';
import type { RecordedBody, Recording, RecordingFilter, Turn } from './schema.ts';

export interface RecordingServiceOptions {
  list: (filter: RecordingFilter) => Promise<Recording[]>;
  body: (projectId: string, requestId: string) => Promise<RecordedBody | undefined>;
  turns: (filter: RecordingFilter) => Promise<Turn[]>;
  agentId: (projectId: string, text: string) => Promise<string>;
  beadId: (projectId: string, text: string) => Promise<string>;
}

const ALL = 1000;

export function createRecordingService(options: RecordingServiceOptions): Handlers<typeof recordingOperations> {
  async function filterOf(
    projectId: string,
    input: { agent?: string | undefined; bead?: string | undefined },
    limit: number,
  ): Promise<RecordingFilter> {
    return {
      projectId,
      limit,
      ...(input.agent === undefined ? {} : { agentId: await options.agentId(projectId, input.agent) }),
      ...(input.bead === undefined ? {} : { beadId: await options.beadId(projectId, input.bead) }),
    };
  }

  return {
    async recordingList(input, { projectId }) {
      const { limit, cursor } = input;
      const filter = await filterOf(projectId, input, limit);
      const items = await options.list(cursor === undefined ? filter : { ...filter, cursor });
      const hasMore = items.length === limit;
      return { items, pagination: { limit, cursor: hasMore ? (items.at(-1)?.requestId ?? null) : null, hasMore } };
    },
    async recordingShow({ requestId }, { projectId }) {
      const found = await options.body(projectId, requestId);
      if (!found) throw failure('recording-missing', { id: requestId });
      return found;
    },
    async recordingTree(input, { projectId }) {
      return { items: await options.turns(await filterOf(projectId, input, ALL)) };
    },
  };
}

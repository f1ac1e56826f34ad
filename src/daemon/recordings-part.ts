/** Recordings, read from the proxy that keeps them. */
import { resolveAgent } from '../agents/store.ts';
import { resolveBead } from '../beads/store.ts';
import { createRecordingService } from '../recordings/service.ts';
import type { Core } from './core.ts';
import type { ProxyProcess } from './proxy-process.ts';

export function createRecordings({ database }: Core, proxy: ProxyProcess): ReturnType<typeof createRecordingService> {
  return createRecordingService({
    list: (filter) => proxy.client.recordings(filter),
    body: (projectId, requestId) => proxy.client.recordedBody(projectId, requestId),
    turns: (filter) => proxy.client.recordedTurns(filter),
    agentId: async (projectId, text) => (await resolveAgent(database.db, projectId, text)).id,
    beadId: async (projectId, text) => (await resolveBead(database.db, projectId, text)).id,
  });
}

/** An agent that waits for the set-up command of its worktree says so: `starting` alone would hide a minute of `npm ci`. */
import { changeAgent } from '../agents/changes.ts';
import { liveAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { Core } from './core.ts';

interface HookPayload {
  beadId?: string;
  hook?: string;
  state?: string;
  command?: string;
}

/** Answers how to end the watch. */
export function startSetupWatch(core: Pick<Core, 'bus' | 'units' | 'log'>): () => void {
  async function show(projectId: string, { beadId, state, command }: HookPayload): Promise<void> {
    await core.units.run(async (unit) => {
      for (const agent of await liveAgents(unit.tx, projectId)) {
        if (agent.beadId !== beadId || agent.observed.state !== 'starting') continue;
        const { detail: _before, ...observed } = agent.observed;
        const detail = state === 'started' ? { detail: `set-up: ${command ?? ''}` } : {};
        await changeAgent(unit, agent, { observed: { ...observed, ...detail } }, 'agent:state');
      }
    });
  }

  return core.bus.subscribe(({ type, metadata, payload }) => {
    const hook = payload as HookPayload;
    if (type !== 'worktree:hook' || hook.hook !== 'setup' || metadata.projectId === undefined) return;
    show(metadata.projectId, hook).catch((error: unknown) =>
      core.log.error({ problem: messageOf(error) }, 'set-up not shown'),
    );
  });
}

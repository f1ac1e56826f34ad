/** The words of tmux's status line: counts, agents, spend. Pure. */
import type { Agent, AgentState } from '../agents/schema.ts';
import type { BeadStatus } from '../beads/schema.ts';

/** `#` starts a format in tmux. */
const plain = (text: string) => text.replaceAll('#', '##');

export function statusLeft(project: string, counts: Readonly<Record<BeadStatus, number>>): string {
  const lanes = `${counts.open} open  ${counts['in-progress']} in progress  ${counts.review} review  ${counts.done} done`;
  return ` #[bold]godel#[nobold] ${plain(project)}  #[fg=default]${lanes}`;
}

const SHOWN: readonly AgentState[] = ['waiting', 'parked', 'busy', 'idle', 'paused', 'starting', 'unknown', 'failed'];
const STYLE: Readonly<Partial<Record<AgentState, string>>> = {
  waiting: '#[fg=yellow,bold]',
  busy: '#[fg=green]',
  failed: '#[fg=red,bold]',
};

export function statusRight(agents: readonly Pick<Agent, 'observed'>[], spentUsd: number | undefined): string {
  const counts = SHOWN.map(
    (state) => [state, agents.filter((agent) => agent.observed.state === state).length] as const,
  );
  const parts = counts
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${STYLE[state] ?? ''}${count} ${state}#[default]`);
  const money = spentUsd === undefined ? [] : [`$${spentUsd.toFixed(spentUsd < 1 ? 4 : 2)}`];
  return [...parts, ...money].join('  ');
}

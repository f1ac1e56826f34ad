/** Caps of an agent's process tree, in words. Pure. */
import type { Config } from '../config.ts';
import type { Agent, AgentCaps, CapHits, CapReport, Caps } from './schema.ts';

/** What a life that begins now may use: what was asked for or its role says, else what the project does. */
export function capsOf(
  { memoryCapMb, processCap }: Pick<Agent, 'memoryCapMb' | 'processCap'>,
  config: Pick<Config, 'agent_memory_mb' | 'agent_processes'>,
): Caps {
  const memoryMb = memoryCapMb ?? config.agent_memory_mb;
  const processes = processCap ?? config.agent_processes;
  return { ...(memoryMb > 0 ? { memoryMb } : {}), ...(processes > 0 ? { processes } : {}) };
}

const KEEPERS = {
  cgroup: 'held by the kernel',
  rlimit: 'each process held by the kernel, the whole watched',
  watch: 'watched',
} as const;

/** `500 MB, 200 processes; held by the kernel (cgroup)` */
export function capsText({ memoryMb, processes, by, killed, refused }: AgentCaps): string {
  const caps = [
    memoryMb === undefined ? '' : `${memoryMb} MB`,
    processes === undefined ? '' : `${processes} processes`,
  ];
  const hits = [killed === undefined ? '' : `${killed} ended`, refused === undefined ? '' : `${refused} not started`];
  const said = (words: readonly string[]) => words.filter(Boolean).join(', ');
  return [said(caps), `${KEEPERS[by]} (${by})`, said(hits)].filter(Boolean).join('; ');
}

/** How agents that are started now would be held to caps. */
export function capReportText({ by, detail }: CapReport): string {
  const KEPT = {
    cgroup: 'the kernel holds memory and processes of an agent with all it starts',
    rlimit: 'the kernel holds the memory of each process, the daemon measures the whole and stops what is above',
    watch: 'the daemon measures and stops what is above; the kernel holds nothing',
  } as const;
  return `${KEPT[by]} (${by}; ${detail})`;
}

/** What the kernel did to keep a tree within its cap. */
export function capHitText(caps: AgentCaps, kind: 'memory-cap' | 'process-cap'): string {
  if (kind === 'process-cap') return `it may have ${caps.processes} processes and threads, and more were not started`;
  const count = caps.killed === 1 ? 'one of its processes' : `${caps.killed} of its processes`;
  return `the kernel ended ${count}: more than ${caps.memoryMb} MB of memory`;
}

/** Exit codes of a shell whose program was killed, and the signal itself. */
const isKilled = (end: { exitCode?: number; exitSignal?: number } | undefined) =>
  end?.exitCode === 137 || end?.exitSignal === 9;

/** Why a program that was killed was killed, when its cap was the reason. */
export function capEndText(
  { caps }: Pick<Agent, 'caps'>,
  end: { exitCode?: number; exitSignal?: number } | undefined,
  hits: Pick<CapHits, 'killed'> | undefined,
): string | undefined {
  if (!caps || !hits || hits.killed === 0 || !isKilled(end)) return undefined;
  return `ended by the kernel: it used more memory than its cap (${caps.memoryMb} MB)`;
}

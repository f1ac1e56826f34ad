/** Prometheus metrics of the daemon, read when they are asked for. */
import type { Agent } from '../agents/schema.ts';
import { liveAgents } from '../agents/store.ts';
import { statusCounts } from '../beads/store.ts';
import { allProjects } from '../repos/store.ts';
import type { Core } from './core.ts';
import type { ProxyProcess } from './proxy-process.ts';

const NANO = 1_000_000_000;

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n');
}

function byState(agents: readonly Agent[]): Sample[] {
  const counts = new Map<string, number>();
  for (const agent of agents) counts.set(agent.observed.state, (counts.get(agent.observed.state) ?? 0) + 1);
  return [...counts].map(([state, count]) => [{ state }, count]);
}

export async function metricsText({ core, proxy }: { core: Core; proxy: ProxyProcess }): Promise<string> {
  const { db } = core.database;
  const projects = await allProjects(db);
  const beads: Sample[] = [];
  const spent: Sample[] = [];
  for (const project of projects) {
    const counts = await statusCounts(db, project.id);
    for (const [status, count] of Object.entries(counts)) beads.push([{ project: project.name, status }, count]);
    const nano = await proxy.client.spentNano(project.id).catch(() => undefined);
    if (nano !== undefined) spent.push([{ project: project.name }, nano / NANO]);
  }
  const memory = process.memoryUsage();
  return [
    family('godel_beads', 'gauge', 'Beads by status', beads),
    family('godel_agents', 'gauge', 'Live agents by state', byState(await liveAgents(db))),
    family('godel_spent_usd', 'counter', 'Money spent on models, in USD', spent),
    family('godel_events_total', 'counter', 'Events recorded', [[{}, core.range.last]]),
    family('godel_git_backlog', 'gauge', 'Changes that are not in git yet', [[{}, core.sync.backlog().rows]]),
    family('godel_proxy_up', 'gauge', 'Whether the proxy runs', [[{}, proxy.status() ? 1 : 0]]),
    family('process_resident_memory_bytes', 'gauge', 'Memory of the daemon', [[{}, memory.rss]]),
    family('process_cpu_seconds_total', 'counter', 'CPU time of the daemon', [
      [{}, (process.cpuUsage().user + process.cpuUsage().system) / 1e6],
    ]),
    '',
  ].join('\n');
}

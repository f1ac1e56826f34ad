/** What the role of an agent makes of a request for one: program, model, limits, words. Pure. */
import { permissionsOf } from '../access/permissions.ts';
import type { Bead } from '../beads/schema.ts';
import type { Config } from '../config.ts';
import { type LimitSet, limitSetSchema } from '../costs/schema.ts';
import type { Project } from '../repos/schema.ts';
import type { Role } from '../roles/schema.ts';
import { fillPrompt } from '../roles/text.ts';
import { beadPrompt, instructions } from './briefing.ts';
import type { Runtime } from './runtime.ts';
import type { Agent } from './schema.ts';

interface Wanted {
  runtime?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
  command?: string | undefined;
  budget?: number | undefined;
  maxMinutes?: number | undefined;
  maxMemory?: number | undefined;
  maxProcesses?: number | undefined;
}

export interface Assignment {
  runtime: string;
  model: { provider?: string | undefined; model?: string | undefined };
  budgetUsd?: number;
  timeLimitMinutes?: number;
  memoryCapMb?: number;
  processCap?: number;
}

/** What was asked for, else what the role says, else what the project does. */
export function assignmentOf(wanted: Wanted, role: Role, config: Pick<Config, 'runtime'>): Assignment {
  const named = wanted.model !== undefined || wanted.provider !== undefined;
  const { model, provider } = named ? wanted : role;
  const budgetUsd = wanted.budget ?? role.limits.budget_usd;
  const timeLimitMinutes = wanted.maxMinutes ?? role.limits.minutes;
  const memoryCapMb = wanted.maxMemory ?? role.limits.memory_mb;
  const processCap = wanted.maxProcesses ?? role.limits.processes;
  return {
    runtime: wanted.runtime ?? (wanted.command === undefined ? (role.runtime ?? config.runtime) : 'shell'),
    model: { model, provider },
    ...(budgetUsd === undefined ? {} : { budgetUsd }),
    ...(timeLimitMinutes === undefined ? {} : { timeLimitMinutes }),
    ...(memoryCapMb === undefined ? {} : { memoryCapMb }),
    ...(processCap === undefined ? {} : { processCap }),
  };
}

/** What the proxy holds an agent of this role to. */
export const requestLimits = (role: Role): LimitSet => limitSetSchema.parse(role.limits);

const maySubmit = (role: Role) => permissionsOf(role.permissions).has('bead:submit');

export interface Briefed {
  agent: Pick<Agent, 'name' | 'role' | 'beadId'>;
  role: Role;
  project: Pick<Project, 'name' | 'mainBranch'>;
  config: Pick<Config, 'proof_command'>;
  bead?: Bead | undefined;
}

/** Standing instructions of an agent: what its role tells it to be, then how work is done here. */
export function instructionsFor({ agent, role, project, config, bead }: Briefed): string {
  const rolePrompt = fillPrompt(role.prompt, {
    agent: agent.name,
    role: role.name,
    project: project.name,
    mainBranch: project.mainBranch,
    proof: config.proof_command,
    bead: agent.beadId ?? '',
    title: bead?.title ?? '',
  });
  return instructions({
    agentName: agent.name,
    projectName: project.name,
    mainBranch: project.mainBranch,
    proofCommand: config.proof_command,
    beadId: agent.beadId,
    rolePrompt,
    maySubmit: maySubmit(role),
  });
}

/** The first prompt of an agent. A program without a system text of its own is told there what it is. */
export function firstPrompt(briefed: Briefed, runtime: Pick<Runtime, 'instructions'>, prompt?: string) {
  const { bead, role } = briefed;
  const text = bead ? beadPrompt(bead, prompt, maySubmit(role)) : prompt;
  if (runtime.instructions !== 'prompt' || text === undefined) return text;
  return `${instructionsFor(briefed)}\n\n${text}`;
}

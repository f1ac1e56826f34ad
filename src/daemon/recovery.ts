/**
 * After a start: every terminal that is still held is matched with its agent, every agent without
 * one is told the truth about. Nothing that runs is ever ended here.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { Ending } from '../agents/ending.ts';
import type { Held } from '../agents/runner.ts';
import { type Agent, agentSchema } from '../agents/schema.ts';
import { findAgent, insertAgent, liveAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';

export interface RecoveryOptions {
  database: Database;
  units: UnitOfWork;
  ending: Ending;
  agentsDir: string;
  /** Id of the project in a folder, made known when it is not. */
  projectOf: (path: string) => Promise<string>;
  held: readonly Held[];
  log: Log;
}

export interface RecoveryReport {
  adopted: number;
  ended: number;
  restored: number;
  unknown: number;
}

const recordSchema = z.object({ agent: agentSchema, projectPath: z.string() });

/** The row of an agent as it lay beside its files, for a database that was lost. */
async function recordOf(agentsDir: string, agentId: string): Promise<z.infer<typeof recordSchema> | undefined> {
  try {
    const text = await readFile(join(agentsDir, agentId, 'agent.json'), 'utf8');
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // No readable record: the caller reports the terminal as unknown.
    return undefined;
  }
}

export async function recoverAgents(options: RecoveryOptions): Promise<RecoveryReport> {
  const { database, units, ending, held, log } = options;
  const report: RecoveryReport = { adopted: 0, ended: 0, restored: 0, unknown: 0 };

  async function restore(terminal: Held): Promise<void> {
    const record = await recordOf(options.agentsDir, terminal.agentId);
    if (!record) {
      report.unknown += 1;
      log.warn(
        { pane: terminal.address, agentId: terminal.agentId },
        'a terminal belongs to no known agent; left alone',
      );
      return;
    }
    const projectId = await options.projectOf(record.projectPath);
    await units.run((unit) => insertAgent(unit.tx, { ...record.agent, projectId, version: 1 }));
    report.restored += 1;
  }

  for (const terminal of held) {
    if (!(await findAgent(database.db, terminal.agentId))) {
      await restore(terminal).catch((error: unknown) =>
        log.error({ problem: messageOf(error) }, 'agent could not be restored'),
      );
    }
  }

  const ended: Promise<void>[] = [];
  for (const agent of await liveAgents(database.db)) {
    const terminal = held.find((each) => each.agentId === agent.id && each.generation === agent.generation);
    if (!terminal || terminal.dead) {
      // Side by side: what outlived its terminal may be slow to die.
      ended.push(ending.exited(agent, terminal));
      report.ended += 1;
      continue;
    }
    await adopt(agent, terminal);
    report.adopted += 1;
  }
  await Promise.all(ended);

  async function adopt(agent: Agent, terminal: Held): Promise<void> {
    await units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
      // What it does now is not known until one of its sources speaks again.
      const observed =
        known.lifecycle === 'paused'
          ? known.observed
          : { ...known.observed, state: 'unknown' as const, source: 'process' as const, at: unit.now, since: unit.now };
      const lifecycle = ['initializing', 'spawning'].includes(known.lifecycle) ? 'executing' : known.lifecycle;
      await changeAgent(unit, known, { observed, lifecycle, pane: terminal.address, pid: terminal.pid }, 'agent:state');
    });
  }

  return report;
}

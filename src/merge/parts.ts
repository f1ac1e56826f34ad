/** What the merge queue is built from; the daemon passes it in. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Bead } from '../beads/schema.ts';
import type { Config } from '../config.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';

export interface MergeParts {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  log: Log;
  configOf: (projectPath: string) => Promise<Config>;
  /** Where the output of a gate goes. */
  logFileOf: (entryId: string) => string;
  gateEnvironment: () => Record<string, string>;
  /** Ends every process that has `NAME=value` in its environment. */
  endMarked: (marker: string) => Promise<void>;
  /** Queues a prompt for the live agent of a bead; its name, or undefined when there is none. */
  tellAgent: (projectId: string, beadId: string, text: string, author: string) => Promise<string | undefined>;
  /** Starts an agent of role refinery on a bead; its name. */
  startRefinery: (projectId: string, beadId: string, text: string) => Promise<string>;
  /** Frees what a bead held: its agent and its worktree. */
  release: (project: Project, bead: Bead) => Promise<void>;
}

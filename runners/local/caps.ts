/** Who holds a local agent to its caps: control groups where they can be had, else limits of each process, else the daemon alone. */
import type { CapPlan } from '../../src/agents/runner.ts';
import type { CapKeeper, CapReport, Caps } from '../../src/agents/schema.ts';
import { messageOf } from '../../src/base/error.ts';
import { type CgroupPlace, entriesOf, findPlace, hitsOf, makeGroup, removeGroup, removePlace } from './cgroup.ts';

/** Programs reserve memory that they do not use: the limit of one process is this far (MB) above the cap of the tree. */
const DATA_SLACK_MB = 1024;

/** How a life is held to its caps, and what its launch script does for that. */
export interface Confinement extends CapPlan {
  /** Files that the script writes its id into. */
  enter: readonly string[];
  /** Most private memory (KiB) of each of its processes. */
  dataKb?: number;
}

export interface CapKeeping {
  confine(name: string, caps: Caps): Promise<Confinement | undefined>;
  report(): Promise<CapReport>;
  hits: typeof hitsOf;
  release(groups: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface CapKeepingOptions {
  /** Name of the folder of this home's groups. */
  name: string;
  /** `auto`, or the strongest keeper that may be used. */
  wanted: () => Promise<'auto' | Exclude<CapKeeper, 'cgroup'>>;
}

const isCapped = ({ memoryMb, processes }: Caps) => memoryMb !== undefined || processes !== undefined;

function byLimits(caps: Caps, wanted: 'auto' | Exclude<CapKeeper, 'cgroup'>): Confinement {
  // Elsewhere the limit is not looked at where memory is given out; and of processes there is one for all of a user.
  if (wanted === 'watch' || process.platform !== 'linux' || caps.memoryMb === undefined)
    return { by: 'watch', groups: [], enter: [] };
  return { by: 'rlimit', groups: [], enter: [], dataKb: Math.round(caps.memoryMb + DATA_SLACK_MB) * 1024 };
}

export function createCapKeeping(options: CapKeepingOptions): CapKeeping {
  let looking: Promise<CgroupPlace | Error> | undefined;

  /** Looked for when it is first needed; an answer that it cannot be had holds for as long as the daemon runs. */
  const place = () => {
    looking ??= findPlace(options.name).catch((error: unknown) => new Error(messageOf(error)));
    return looking;
  };

  return {
    async confine(name, caps) {
      if (!isCapped(caps)) return undefined;
      const wanted = await options.wanted();
      const found = wanted === 'auto' ? await place() : undefined;
      if (found === undefined || found instanceof Error) return byLimits(caps, wanted);
      const groups = await makeGroup(found, name, caps);
      return { by: 'cgroup', groups, enter: entriesOf(groups) };
    },
    async report() {
      const wanted = await options.wanted();
      if (wanted !== 'auto') return { by: byLimits({ memoryMb: 1 }, wanted).by, detail: `agent_caps is ${wanted}` };
      const found = await place();
      if (!(found instanceof Error)) return { by: 'cgroup', detail: `version ${found.version}, ${found.memory}` };
      return { by: byLimits({ memoryMb: 1 }, wanted).by, detail: `no control groups: ${found.message}` };
    },
    hits: hitsOf,
    release: removeGroup,
    async close() {
      const found = await looking;
      if (found && !(found instanceof Error)) await removePlace(found);
    },
  };
}

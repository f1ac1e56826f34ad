/** A block of ports for each worktree of this home, so that what agents start side by side does not clash. */
import { createServer } from 'node:net';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { PortBlock } from './schema.ts';
import { insertPorts, portBlocks, portsByBead } from './store.ts';

export interface PortRequest {
  projectId: string;
  beadId: string;
  /** Lowest port that may be given. */
  from: number;
  /** How many; 0 gives none. */
  size: number;
}

export interface Ports {
  /** The block of a worktree, reserved when it has none. @throws GodelError ports-exhausted */
  reserve(request: PortRequest): Promise<PortBlock | undefined>;
  /** Reserves a block that is in use already, known from beside the worktree. */
  adopt(owner: { projectId: string; beadId: string }, block: PortBlock): Promise<void>;
}

const LAST_PORT = 65_535;
/** Ports the kernel gives to outgoing connections begin here on Linux. */
const FIRST_EPHEMERAL = 32_768;

/** The lowest block of `size` from `from` on that overlaps none of `taken`. Pure. */
export function nextBlock(taken: readonly PortBlock[], from: number, size: number): PortBlock | undefined {
  const last = from < FIRST_EPHEMERAL ? FIRST_EPHEMERAL - 1 : LAST_PORT;
  let base = from;
  for (;;) {
    const block = { base, end: base + size - 1 };
    if (block.end > last) return undefined;
    const clash = taken.find((each) => each.base <= block.end && block.base <= each.end);
    if (!clash) return block;
    base = clash.end + 1;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

async function firstTaken(block: PortBlock): Promise<number | undefined> {
  for (let port = block.base; port <= block.end; port += 1) if (!(await isFree(port))) return port;
  return undefined;
}

export function createPorts(database: Database): Ports {
  let queue: Promise<unknown> = Promise.resolve();
  function serialised<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  }

  async function find({ from, size }: PortRequest): Promise<PortBlock> {
    const taken = await portBlocks(database.db);
    for (;;) {
      const block = nextBlock(taken, from, size);
      if (!block) throw failure('ports-exhausted', { size, from });
      const used = await firstTaken(block);
      if (used === undefined) return block;
      // Another program listens there: the search goes on behind it.
      taken.push({ base: block.base, end: used });
    }
  }

  return {
    reserve: (request) =>
      serialised(async () => {
        const known = (await portsByBead(database.db, request.projectId)).get(request.beadId);
        if (known || request.size === 0) return known;
        const block = await find(request);
        await database.transact((tx) => insertPorts(tx, request, block));
        return block;
      }),
    adopt: (owner, block) =>
      serialised(async () => {
        if ((await portsByBead(database.db, owner.projectId)).has(owner.beadId)) return;
        const taken = await portBlocks(database.db);
        if (taken.some((each) => each.base <= block.end && block.base <= each.end)) return;
        await database.transact((tx) => insertPorts(tx, owner, block));
      }),
  };
}

/** Variables that name the block. */
export function portEnvironment(block: PortBlock | undefined): Record<string, string> {
  if (!block) return {};
  const count = block.end - block.base + 1;
  return { GODEL_PORT_BASE: String(block.base), GODEL_PORT_END: String(block.end), GODEL_PORT_COUNT: String(count) };
}

/**
 * One commit on the state ref per group of changes, with compare-and-swap: a group is acknowledged when the ref itself is
 * read back as its commit. The process that writes is kept while there is work, since starting one costs a large daemon
 * more than everything else; it goes on talking of success when somebody else moved the ref, so only the ref is believed.
 */
import { looseRef } from '../../base/git.ts';
import { explain, type Group, type Importer, startImporter } from './fast-import.ts';
import { STATE_REF } from './layout.ts';
import { readRef } from './read.ts';

/** Somebody else moved the ref; nothing was written. */
export class StateMovedError extends Error {
  constructor() {
    super(`${STATE_REF} was moved by another writer`);
    this.name = 'StateMovedError';
  }
}

export interface GroupWriter {
  /**
   * Writes a group and returns the new commit, read back from the ref.
   * @throws StateMovedError, GodelError disk-full, repository-read-only
   */
  write(group: Group): Promise<string>;
  /** Ends the process; the next group starts another. */
  close(): Promise<void>;
}

/** After so long (ms) without a group the process is ended: at rest nothing of the repository is held open. */
const REST_MS = 5_000;
/** So many groups by one process: it remembers every object it wrote. */
const MOST_GROUPS = 1_000;

export function createGroupWriter(gitDir: string): GroupWriter {
  let importer: Importer | undefined;
  let groups = 0;
  let rest: NodeJS.Timeout | undefined;

  async function close(): Promise<void> {
    clearTimeout(rest);
    const ending = importer;
    importer = undefined;
    await ending?.end();
  }

  /** Whether the ref is at a commit; its own file says so without a process. */
  const isAt = async (oid: string) => (await looseRef(gitDir, STATE_REF)) === oid || (await readRef(gitDir)) === oid;

  async function attempt(group: Group): Promise<string> {
    if (!importer) groups = 0;
    importer ??= startImporter(gitDir);
    groups += 1;
    const current = importer;
    const oid = await current.commit(group).then(
      async (made) => ((await isAt(made)) ? made : undefined),
      () => undefined,
    );
    if (oid !== undefined) return oid;
    await close();
    if ((await readRef(gitDir)) !== group.expected) throw new StateMovedError();
    throw explain(gitDir, current.complaints());
  }

  return {
    async write(group) {
      clearTimeout(rest);
      if (groups >= MOST_GROUPS) await close();
      // Without a parent a new history would be put over one that exists.
      if (group.expected === null && (await readRef(gitDir)) !== null) throw new StateMovedError();
      const wasResting = importer !== undefined;
      const oid = await attempt(group).catch((error: unknown) => {
        // One that was at rest may have been ended by anybody; a new one tells what is really wrong.
        if (!wasResting || error instanceof StateMovedError) throw error;
        return attempt(group);
      });
      rest = setTimeout(() => void close(), REST_MS);
      return oid;
    },
    close,
  };
}

/** Writes one group by a process of its own. @throws as `GroupWriter.write` */
export async function writeGroup({ gitDir, ...group }: Group & { gitDir: string }): Promise<string> {
  const writer = createGroupWriter(gitDir);
  try {
    return await writer.write(group);
  } finally {
    await writer.close();
  }
}

/**
 * Writes checkpoints by one `git fast-import` for each repository, which is kept while agents come to rest: starting a process
 * costs a large daemon more than all that a checkpoint consists of. Objects stay single ones, so git takes back what no
 * checkpoint needs any more; nothing but the ref, read back, is believed.
 */
import { type FastImport, startFastImport, streamData } from '../base/fast-import.ts';
import { git, looseRef } from '../base/git.ts';
import { createInTurn } from '../base/in-turn.ts';
import { explain } from '../storage/state-ref/fast-import.ts';
import { CONVERSATION, RECORD, refOf } from './checkpoint-ref.ts';
import type { Checkpoint, Code, Session } from './schema.ts';

export interface WriteSpec {
  gitDir: string;
  /** What is to be kept, and which working files; the commit of these is made here. */
  checkpoint: Omit<Checkpoint, 'ref' | 'commit' | 'code'>;
  code?: Omit<Code, 'commit'> | undefined;
  session: Session;
  /** File of the runtime, or turns as JSON lines where it has none. */
  conversation: string;
}

export interface CheckpointWriter {
  /** Writes a checkpoint; it is there, and durable, when this resolves. */
  write(spec: WriteSpec): Promise<Checkpoint>;
  /** Ends the processes; a checkpoint after that starts another. */
  stop(): Promise<void>;
}

/** A longer conversation stays where its runtime keeps it. */
const MOST_BYTES = 48 * 1024 * 1024;
/** After so long (ms) without a checkpoint the process is ended: at rest nothing of the repository is held open. */
const REST_MS = 5_000;
/** So many checkpoints by one process: it remembers every object it wrote. */
const MOST_WRITES = 1_000;

interface Kept {
  importer: FastImport;
  writes: number;
  rest?: NodeJS.Timeout;
}

/** A commit on the ref; its parent is where the ref is, or `from`. */
function commitStream(ref: string, mark: number, atIso: string, message: string, changes: readonly Buffer[]): Buffer {
  const seconds = Math.floor(Date.parse(atIso) / 1000);
  const head = `commit ${ref}\nmark :${mark}\ncommitter Godel <godel@localhost> ${seconds} +0000\n`;
  return Buffer.concat([Buffer.from(head), streamData(`${message}\n`), ...changes, Buffer.from('\n')]);
}

const file = (name: string, text: string) =>
  Buffer.concat([Buffer.from(`M 100644 inline "${name}"\n`), streamData(text)]);

/** Working files on top of HEAD. */
async function writeCode(importer: FastImport, ref: string, code: Omit<Code, 'commit'>, at: string): Promise<Code> {
  const changes = Buffer.from(`from ${code.head}\nM 040000 ${code.tree} ""\n`);
  const commit = commitStream(ref, 1, at, 'Files of a checkpoint', [changes]);
  const [made = ''] = await importer.ask(Buffer.concat([commit, Buffer.from('get-mark :1\n')]), 1);
  return { ...code, commit: made };
}

/** Everything to disk and the ref set, then the id; afterwards the process forgets the ref, which may be deleted meanwhile. */
async function writeAll(importer: FastImport, ref: string, spec: WriteSpec): Promise<Checkpoint> {
  const { session, conversation } = spec;
  const { createdAt, name, reason, agentName, turns } = spec.checkpoint;
  const code = spec.code && (await writeCode(importer, ref, spec.code, createdAt));
  const checkpoint = { ...spec.checkpoint, ...(code ? { code } : {}) };
  const isShort = Buffer.byteLength(conversation) <= MOST_BYTES;
  const commit = commitStream(ref, 2, createdAt, `${name ?? reason}: ${agentName} at turn ${turns}`, [
    Buffer.from('deleteall\n'),
    file(RECORD, `${JSON.stringify({ checkpoint, session }, null, 2)}\n`),
    ...(isShort ? [file(CONVERSATION, conversation)] : []),
  ]);
  const answer = Buffer.from(`checkpoint\n\nget-mark :2\nreset ${ref}\n\n`);
  const [made = ''] = await importer.ask(Buffer.concat([commit, answer]), 1);
  return { ...checkpoint, ref, commit: made };
}

async function isAt(gitDir: string, ref: string, commit: string): Promise<boolean> {
  return (await looseRef(gitDir, ref)) === commit || (await git(gitDir, ['rev-parse', '--verify', ref])) === commit;
}

export function createCheckpointWriter(): CheckpointWriter {
  const inTurn = createInTurn();
  const kept = new Map<string, Kept>();

  async function close(gitDir: string): Promise<void> {
    const ending = kept.get(gitDir);
    kept.delete(gitDir);
    clearTimeout(ending?.rest);
    await ending?.importer.end();
  }

  function start(gitDir: string): Kept {
    // What is not packed is written once more, as single objects: without packing it costs next to nothing.
    const importer = startFastImport(gitDir, ['pack.compression=0', 'fastimport.unpackLimit=100'], ['--depth=0']);
    const started: Kept = { importer, writes: 0 };
    kept.set(gitDir, started);
    return started;
  }

  async function attempt(spec: WriteSpec): Promise<Checkpoint> {
    const { gitDir, checkpoint } = spec;
    const ref = refOf(checkpoint.beadId ?? checkpoint.agentName, checkpoint.id);
    const current = kept.get(gitDir) ?? start(gitDir);
    current.writes += 1;
    try {
      const made = await writeAll(current.importer, ref, spec);
      if (await isAt(gitDir, ref, made.commit)) return made;
      throw new Error(`${ref} was not written`);
    } catch (error) {
      await close(gitDir);
      throw current.importer.complaints() === '' ? error : explain(gitDir, current.importer.complaints());
    }
  }

  async function write(spec: WriteSpec): Promise<Checkpoint> {
    const { gitDir } = spec;
    clearTimeout(kept.get(gitDir)?.rest);
    if ((kept.get(gitDir)?.writes ?? 0) >= MOST_WRITES) await close(gitDir);
    const wasKept = kept.has(gitDir);
    const made = await attempt(spec).catch((error: unknown) => {
      // One that was at rest may have been ended by anybody, or not know of what git packed since.
      if (!wasKept) throw error;
      return attempt(spec);
    });
    const current = kept.get(gitDir);
    if (current) current.rest = setTimeout(() => void inTurn(gitDir, () => close(gitDir)), REST_MS);
    return made;
  }

  return {
    write: (spec) => inTurn(spec.gitDir, () => write(spec)),
    async stop() {
      await Promise.all([...kept.keys()].map((gitDir) => inTurn(gitDir, () => close(gitDir))));
    },
  };
}

/**
 * Writes checkpoints by one `git fast-import` for each repository, which is kept while agents come to rest: starting a process
 * costs a large daemon more than all that a checkpoint consists of, and so does a flush of the disk for each of many agents
 * that come to rest in the same second. Objects stay single ones, so git takes back what no checkpoint needs any more; nothing
 * but the ref, read back, is believed.
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
  /** Writes a checkpoint, along with others that come soon; it is there, and durable, when this resolves. */
  write(spec: WriteSpec): Promise<Checkpoint>;
  /** Does work during which none waits for others. */
  urgently<T>(work: () => Promise<T>): Promise<T>;
  /** Ends the processes; a checkpoint after that starts another. */
  stop(): Promise<void>;
}

/** A longer conversation stays where its runtime keeps it. */
const MOST_BYTES = 48 * 1024 * 1024;
/** After so long (ms) without a checkpoint the process is ended: at rest nothing of the repository is held open. */
const REST_MS = 5_000;
/** So many checkpoints by one process: it remembers every object it wrote. */
const MOST_WRITES = 1_000;
/** Longest time (ms) one waits for company. */
const GATHER_MS = 1_000;
/** And so much of conversations (characters) at most waits in memory. */
const MOST_GATHERED = 4 * 1024 * 1024;

interface Member {
  spec: WriteSpec;
  resolve: (made: Checkpoint) => void;
  reject: (error: unknown) => void;
}

interface Gathering {
  members: Member[];
  characters: number;
  timer: NodeJS.Timeout;
}

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

const refOfSpec = ({ checkpoint }: WriteSpec) => refOf(checkpoint.beadId ?? checkpoint.agentName, checkpoint.id);

const askFor = (count: number) => Array.from({ length: count }, (_, index) => `get-mark :${index + 1}\n`).join('');

/** Commits of working files, each on top of its HEAD. */
async function writeCode(importer: FastImport, specs: readonly WriteSpec[]): Promise<Map<WriteSpec, Code>> {
  const coded = specs.flatMap((spec) => (spec.code ? [{ spec, code: spec.code }] : []));
  if (coded.length === 0) return new Map();
  const commits = coded.map(({ spec, code }, index) => {
    const changes = Buffer.from(`from ${code.head}\nM 040000 ${code.tree} ""\n`);
    return commitStream(refOfSpec(spec), index + 1, spec.checkpoint.createdAt, 'Files of a checkpoint', [changes]);
  });
  const made = await importer.ask(Buffer.concat([...commits, Buffer.from(askFor(coded.length))]), coded.length);
  return new Map(coded.map(({ spec, code }, index) => [spec, { ...code, commit: made[index] ?? '' }]));
}

/** What a checkpoint consists of, on top of its working files. */
function recordStream({ checkpoint, session, conversation }: WriteSpec, ref: string, mark: number): Buffer {
  const { createdAt, name, reason, agentName, turns } = checkpoint;
  const isShort = Buffer.byteLength(conversation) <= MOST_BYTES;
  return commitStream(ref, mark, createdAt, `${name ?? reason}: ${agentName} at turn ${turns}`, [
    Buffer.from('deleteall\n'),
    file(RECORD, `${JSON.stringify({ checkpoint, session }, null, 2)}\n`),
    ...(isShort ? [file(CONVERSATION, conversation)] : []),
  ]);
}

/** Everything to disk and the refs set, then the ids; afterwards the process forgets the refs, which may be deleted meanwhile. */
async function writeAll(importer: FastImport, specs: readonly WriteSpec[]): Promise<Checkpoint[]> {
  const codes = await writeCode(importer, specs);
  const whole = specs.map((spec) => {
    const code = codes.get(spec);
    return { ref: refOfSpec(spec), spec: { ...spec, checkpoint: { ...spec.checkpoint, ...(code ? { code } : {}) } } };
  });
  const records = whole.map(({ spec, ref }, index) => recordStream(spec, ref, index + 1));
  const forget = whole.map(({ ref }) => `reset ${ref}\n\n`).join('');
  const answer = Buffer.from(`checkpoint\n\n${askFor(whole.length)}${forget}`);
  const made = await importer.ask(Buffer.concat([...records, answer]), whole.length);
  return whole.map(({ spec, ref }, index) => ({ ...spec.checkpoint, ref, commit: made[index] ?? '' }));
}

async function isAt(gitDir: string, ref: string, commit: string): Promise<boolean> {
  return (await looseRef(gitDir, ref)) === commit || (await git(gitDir, ['rev-parse', '--verify', ref])) === commit;
}

export function createCheckpointWriter(): CheckpointWriter {
  const inTurn = createInTurn();
  const kept = new Map<string, Kept>();
  const gathering = new Map<string, Gathering>();
  /** Repositories in which something was written. */
  const used = new Set<string>();
  /** Works that let none wait. */
  let urgent = 0;

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

  async function attempt(gitDir: string, specs: readonly WriteSpec[]): Promise<Checkpoint[]> {
    const current = kept.get(gitDir) ?? start(gitDir);
    current.writes += specs.length;
    try {
      const made = await writeAll(current.importer, specs);
      for (const { ref, commit } of made)
        if (!(await isAt(gitDir, ref, commit))) throw new Error(`${ref} was not written`);
      return made;
    } catch (error) {
      await close(gitDir);
      throw current.importer.complaints() === '' ? error : explain(gitDir, current.importer.complaints());
    }
  }

  async function write(gitDir: string, specs: readonly WriteSpec[]): Promise<Checkpoint[]> {
    clearTimeout(kept.get(gitDir)?.rest);
    if ((kept.get(gitDir)?.writes ?? 0) >= MOST_WRITES) await close(gitDir);
    const wasKept = kept.has(gitDir);
    const made = await attempt(gitDir, specs).catch((error: unknown) => {
      // One that was at rest may have been ended by anybody, or not know of what git packed since.
      if (!wasKept) throw error;
      return attempt(gitDir, specs);
    });
    const current = kept.get(gitDir);
    if (current) current.rest = setTimeout(() => void inTurn(gitDir, () => close(gitDir)), REST_MS);
    return made;
  }

  async function writeFor(gitDir: string, members: readonly Member[]): Promise<void> {
    try {
      const made = await write(
        gitDir,
        members.map(({ spec }) => spec),
      );
      for (const [index, member] of members.entries()) member.resolve(made[index] as Checkpoint);
    } catch (error) {
      // One that cannot be written does not take the others with it.
      if (members.length > 1) for (const member of members) await writeFor(gitDir, [member]);
      else members[0]?.reject(error);
    }
  }

  function writeGathered(gitDir: string): void {
    const gathered = gathering.get(gitDir);
    if (!gathered) return;
    gathering.delete(gitDir);
    clearTimeout(gathered.timer);
    void inTurn(gitDir, () => writeFor(gitDir, gathered.members));
  }

  function gather(member: Member): void {
    const { gitDir, conversation } = member.spec;
    used.add(gitDir);
    const timer = () => setTimeout(() => writeGathered(gitDir), GATHER_MS);
    const gathered = gathering.get(gitDir) ?? { members: [], characters: 0, timer: timer() };
    gathering.set(gitDir, gathered);
    gathered.members.push(member);
    gathered.characters += conversation.length;
    if (urgent > 0 || gathered.characters > MOST_GATHERED) writeGathered(gitDir);
  }

  async function urgently<T>(work: () => Promise<T>): Promise<T> {
    urgent += 1;
    for (const gitDir of [...gathering.keys()]) writeGathered(gitDir);
    try {
      return await work();
    } finally {
      urgent -= 1;
    }
  }

  return {
    write: (spec) => new Promise((resolve, reject) => gather({ spec, resolve, reject })),
    urgently,
    stop: () =>
      urgently(async () => {
        await Promise.all([...used].map((gitDir) => inTurn(gitDir, () => close(gitDir))));
      }),
  };
}

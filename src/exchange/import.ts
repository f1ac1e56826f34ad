/** From drafts to beads: known ones are found again, links are resolved, cycles refused. */
import { createBreath } from '../base/breath.ts';
import { newUid } from '../base/id.ts';
import { changeBead } from '../beads/changes.ts';
import { freeBeadId } from '../beads/creating.ts';
import { assertNoCycle, assertNoParentCycle } from '../beads/links.ts';
import { BEAD_ID, type Bead } from '../beads/schema.ts';
import { beadFile, findBead, insertBead, toBead } from '../beads/store.ts';
import { cleanText, cleanTitle } from '../beads/text.ts';
import { loadRecord } from '../storage/records.ts';
import { beadPath } from '../storage/state-ref/layout.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import type { Draft } from './draft.ts';
import type { Imported } from './schema.ts';

export interface ImportSpec {
  projectId: string;
  drafts: readonly Draft[];
  /** Changes beads that were imported before and differ. */
  update: boolean;
  by: string;
}

interface Planned {
  draft: Draft;
  id: string;
  known: Bead | undefined;
  /** Place in the text. */
  place: number;
}

/** The bead a draft is about: the same uid, the same place it came from, or the id it names. */
async function knownBead(unit: Unit, projectId: string, draft: Draft): Promise<Bead | undefined> {
  const row = await unit.tx
    .selectFrom('beads')
    .select('body')
    .where('project_id', '=', projectId)
    .where('external_id', '=', draft.externalId)
    .executeTakeFirst();
  if (row) return toBead(row);
  const named = draft.id === undefined ? undefined : await findBead(unit.tx, projectId, draft.id);
  return named && (draft.uid === undefined || draft.uid === named.uid) ? named : undefined;
}

/** The id the draft wants when no bead has or had it, else a new one. */
async function freeId(
  unit: Unit,
  projectId: string,
  wanted: string | undefined,
  taken: ReadonlySet<string>,
): Promise<string> {
  if (wanted !== undefined && !taken.has(wanted) && !(await loadRecord(unit.tx, projectId, beadPath(wanted))))
    return wanted;
  for (;;) {
    const id = await freeBeadId(unit.tx, projectId);
    if (!taken.has(id)) return id;
  }
}

async function plan(unit: Unit, spec: ImportSpec): Promise<Planned[]> {
  const planned: Planned[] = [];
  const taken = new Set<string>();
  const breathe = createBreath();
  for (const [place, draft] of spec.drafts.entries()) {
    await breathe();
    const known = await knownBead(unit, spec.projectId, draft);
    const id = known?.id ?? (await freeId(unit, spec.projectId, draft.id, taken));
    taken.add(id);
    planned.push({ draft, id, known, place });
  }
  return planned;
}

/** Ids of what a link names; undefined when it is neither in the text nor here. */
type Resolve = (key: string) => Promise<string | undefined>;

function resolver(unit: Unit, projectId: string, planned: readonly Planned[]): Resolve {
  const ids = new Map(planned.map(({ draft, id }) => [draft.key, id]));
  return async (key) => {
    const id = ids.get(key);
    if (id !== undefined) return id;
    return BEAD_ID.test(key) ? (await findBead(unit.tx, projectId, key))?.id : undefined;
  };
}

type Content = Omit<Bead, 'id' | 'uid' | 'projectId' | 'version' | 'createdAt' | 'updatedAt' | 'commits' | Silent> &
  Partial<Pick<Bead, Silent>>;
/** What a format may have no place for. */
type Silent = 'related' | 'discoveredFrom' | 'notes' | 'metadata';

async function contentOf(draft: Draft, resolve: Resolve, now: string, warnings: string[]): Promise<Content> {
  const links = async (keys: readonly string[], what: string): Promise<string[]> => {
    const found: string[] = [];
    for (const key of new Set(keys)) {
      const id = await resolve(key);
      if (id === undefined) warnings.push(`${draft.key} ${what} ${key}, which is not there`);
      else found.push(id);
    }
    return found;
  };
  const [parentBead] = await links(draft.parent === undefined ? [] : [draft.parent], 'is part of');
  const doneAt = draft.status === 'done' ? (draft.doneAt ?? draft.updatedAt ?? now) : undefined;
  const content: { [K in keyof Content]: Content[K] | undefined } = {
    type: draft.type,
    title: cleanTitle(draft.title),
    description: draft.description ? cleanText(draft.description) : undefined,
    status: draft.status,
    priority: draft.priority,
    labels: [...new Set(draft.labels)].sort(),
    agent: draft.agent,
    parentBead,
    blockedBy: await links(draft.blockedBy, 'waits for'),
    related: draft.related && (await links(draft.related, 'is related to')),
    discoveredFrom: draft.discoveredFrom && (await links(draft.discoveredFrom, 'was found in')),
    dueAt: draft.dueAt,
    doneAt,
    externalId: draft.externalId,
    notes: draft.notes?.map((note) => ({ ...note, text: cleanText(note.text) })),
    metadata: draft.metadata && { ...draft.metadata },
  };
  return Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined)) as Content;
}

async function create(unit: Unit, spec: ImportSpec, { draft, id, place }: Planned, content: Content): Promise<Bead> {
  // Each is a millisecond younger than the one before, so that lists keep the order of the text.
  const createdAt = draft.createdAt ?? new Date(unit.nowMs + place).toISOString();
  const bead: Bead = {
    related: [],
    discoveredFrom: [],
    notes: [],
    metadata: {},
    ...content,
    id,
    uid: draft.uid ?? newUid(),
    projectId: spec.projectId,
    commits: [],
    createdAt,
    updatedAt: draft.updatedAt ?? createdAt,
    version: 1,
  };
  // A bead of Godel's own needs no second name for where it came from.
  if (id === draft.id && draft.externalId === `godel:${bead.uid}`) delete bead.externalId;
  await insertBead(unit.tx, bead);
  await unit.persist(spec.projectId, beadFile(bead, `${id}: imported by ${spec.by}`));
  const metadata = { projectId: spec.projectId, beadId: id };
  await unit.emit({ type: 'bead:created', component: 'exchange', payload: { bead }, metadata });
  return bead;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** The fields of `content` that a bead has otherwise. Comments are only added; metadata of others stays. */
function differences(bead: Bead, content: Content): Partial<Content> {
  const added = (content.notes ?? []).filter((note) => !bead.notes.some((known) => known.id === note.id));
  const notes = [...bead.notes, ...added];
  const wanted = { ...content, notes, metadata: { ...bead.metadata, ...content.metadata } };
  // Where it came from names a bead that was imported; one that was made here stays one of ours.
  const { externalId: _external, doneAt: _done, ...compared } = wanted;
  return Object.fromEntries(
    Object.entries(compared).filter(([field, value]) => !same(value, bead[field as keyof Bead])),
  ) as Partial<Content>;
}

/** Writes every draft into the unit, or throws. */
export async function importDrafts(unit: Unit, spec: ImportSpec): Promise<{ items: Imported[]; warnings: string[] }> {
  const warnings: string[] = [];
  const planned = await plan(unit, spec);
  const resolve = resolver(unit, spec.projectId, planned);
  const items: Imported[] = [];
  const written: Bead[] = [];
  for (const each of planned) {
    const { draft, id, known } = each;
    const content = await contentOf(draft, resolve, unit.now, warnings);
    const change = known ? differences(known, content) : content;
    const isSame = known !== undefined && Object.keys(change).length === 0;
    const outcome = !known ? 'created' : isSame ? 'unchanged' : spec.update ? 'updated' : 'kept';
    if (!known) written.push(await create(unit, spec, each, content));
    if (known && outcome === 'updated')
      written.push(await changeBead(unit, known, change, `updated from ${draft.externalId}`));
    items.push({ externalId: draft.externalId, id, title: content.title, outcome });
  }
  for (const bead of written) {
    if (bead.blockedBy.length > 0) await assertNoCycle(unit.tx, bead, bead.blockedBy);
    if (bead.parentBead !== undefined) await assertNoParentCycle(unit.tx, bead, bead.parentBead);
  }
  return { items, warnings };
}

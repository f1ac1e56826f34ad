/** Handlers for links, labels, the tree, ready work and search. */
import type { Handlers } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Database, Reader } from '../storage/database.ts';
import { searchDocuments } from '../storage/search.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { type BeadChange, changeBead, heldBead } from './changes.ts';
import type { graphOperations } from './graph-operations.ts';
import { assertNoCycle } from './links.ts';
import { beadsOf, listBeads } from './listing.ts';
import type { beadOperations } from './operations.ts';
import type { Bead, LinkKind } from './schema.ts';
import { excerptOf } from './search-text.ts';
import { LINK_FIELDS } from './state.ts';
import { findBead, resolveBead } from './store.ts';
import { treeOf } from './tree.ts';

type Service = Handlers<typeof graphOperations>;

export interface GraphServiceOptions {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  /** Id of a convoy given by id, name or prefix. @throws GodelError convoy-not-found */
  convoyId: (projectId: string, text: string) => Promise<string>;
  /** Resolves when every bead can be found by its text. */
  searchable: () => Promise<void>;
  /** Adds a note: the same handler that `bead note` has. */
  note: Handlers<typeof beadOperations>['beadNote'];
}

/** One change of a link as it is stored: which bead keeps it, in which field. */
interface Edge {
  holder: string;
  kind: LinkKind;
  to: string;
}

function edgesOf(id: string, kind: LinkKind | 'blocks', to: readonly string[]): Edge[] {
  return to.map((other) =>
    kind === 'blocks' ? { holder: other, kind: 'blocked-by', to: id } : { holder: id, kind, to: other },
  );
}

const words = (kind: LinkKind, change: 'add' | 'remove', ids: readonly string[]) =>
  `${kind} ${change === 'add' ? '+' : '-'}${ids.join(', ')}`;

export function createGraphService(options: GraphServiceOptions): Service {
  const { database, units, clock } = options;
  const { db } = database;

  async function idsOf(projectId: string, texts: readonly string[], from: Reader = db): Promise<string[]> {
    const ids: string[] = [];
    for (const text of texts) ids.push((await resolveBead(from, projectId, text)).id);
    return [...new Set(ids)];
  }

  /** Links may end at beads that are gone: taking such a link away must still be possible. */
  async function linkedIds(projectId: string, texts: readonly string[], from: Reader): Promise<string[]> {
    const found = texts.map(async (text) => ((await findBead(from, projectId, text)) ? text : undefined));
    const known = await Promise.all(found);
    const rest = texts.filter((_text, index) => known[index] === undefined);
    const resolved = await idsOf(projectId, rest, from).catch(() => rest);
    return [...new Set([...known.filter((id) => id !== undefined), ...resolved])];
  }

  function changeLinks(change: 'add' | 'remove'): Service['beadLink'] {
    return (input, { actor, projectId }) =>
      units.run(async (unit) => {
        const { id } = await heldBead(unit, projectId, input.id, { actor, generation: input.generation });
        const to =
          change === 'add' ? await idsOf(projectId, input.to, unit.tx) : await linkedIds(projectId, input.to, unit.tx);
        for (const edge of edgesOf(id, input.kind, to)) {
          const holder = await resolveBead(unit.tx, projectId, edge.holder);
          const field = LINK_FIELDS[edge.kind];
          const has = holder[field].includes(edge.to);
          if (has === (change === 'add')) continue;
          if (change === 'add' && edge.kind === 'blocked-by') await assertNoCycle(unit.tx, holder, [edge.to]);
          if (change === 'add') assertOther(holder, edge.to);
          const next = has ? holder[field].filter((each) => each !== edge.to) : [...holder[field], edge.to];
          await changeBead(unit, holder, { [field]: next }, words(edge.kind, change, [edge.to]));
        }
        return { bead: await resolveBead(unit.tx, projectId, id), kind: input.kind, to };
      });
  }

  function changeLabels(change: (labels: string[], given: string[]) => string[]): Service['beadLabel'] {
    return (input, { actor, projectId }) =>
      units.run(async (unit) => {
        const bead = await heldBead(unit, projectId, input.id, { actor, generation: input.generation });
        const labels = [...new Set(change(bead.labels, input.labels))].sort();
        if (labels.join('\n') === bead.labels.join('\n')) return bead;
        return changeBead(unit, bead, { labels } satisfies BeadChange, `labels ${labels.join(', ') || 'none'}`);
      });
  }

  const search: Service['beadSearch'] = async (input, { projectId }) => {
    const { status, type, label } = input;
    await options.searchable();
    const isFiltered = status !== undefined || type !== undefined || label.length > 0;
    const ids = await searchDocuments(db, projectId, input.text, isFiltered ? 2_000 : input.limit + 1);
    const found = (await beadsOf(db, projectId, ids)).filter(
      (bead) =>
        (status === undefined || bead.status === status) &&
        (type === undefined || bead.type === type) &&
        label.every((each) => bead.labels.includes(each)),
    );
    const items = found.slice(0, input.limit).map((bead) => ({ bead, excerpt: excerptOf(bead, input.text) }));
    return { items, hasMore: found.length > input.limit };
  };

  return {
    beadLink: changeLinks('add'),
    beadUnlink: changeLinks('remove'),
    beadLabel: changeLabels((labels, given) => [...labels, ...given]),
    beadUnlabel: changeLabels((labels, given) => labels.filter((label) => !given.includes(label))),
    beadComment: (input, context) => options.note(input, context),
    async beadComments(input, { projectId }) {
      const { notes } = await resolveBead(db, projectId, input.id);
      const start = input.cursor === undefined ? 0 : notes.findIndex((note) => note.id === input.cursor) + 1;
      return toPage(notes.slice(start, start + input.limit + 1), input.limit, (note) => note.id);
    },
    async beadTree(input, { projectId }) {
      const root = input.id === undefined ? undefined : await resolveBead(db, projectId, input.id);
      return treeOf(db, projectId, root, input.limit);
    },
    async beadReady({ limit, cursor, ...input }, { projectId }) {
      const convoy = input.convoy === undefined ? undefined : await options.convoyId(projectId, input.convoy);
      const [parent] = input.parent === undefined ? [] : await idsOf(projectId, [input.parent]);
      const filter = { ...input, labels: input.label, convoy, parent, ready: true };
      return listBeads(db, projectId, filter, { sort: 'priority', limit, cursor }, clock.now());
    },
    beadSearch: search,
  };
}

function assertOther(bead: Bead, to: string): void {
  if (bead.id === to) throw failure('cycle-refused', { id: bead.id, cycle: [to, to], relation: 'is linked with' });
}

/** The model: everything the board knows. Views are functions of it; only the reducer makes a new one. */
import type { Agent } from '../../src/agents/schema.ts';
import type { Bead, BeadStatus } from '../../src/beads/schema.ts';
import type { Convoy, ConvoyStatus } from '../../src/convoys/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import type { Project } from '../../src/repos/schema.ts';
import type { TreeRow } from '../../src/sessions/text.ts';
import { emptyInput, type TextInput } from './input.ts';
import { type MergeModel, noMerge } from './merge.ts';

export const LANES = ['open', 'in-progress', 'review', 'done'] as const satisfies readonly BeadStatus[];

export interface Connection {
  readonly state: 'connecting' | 'live' | 'away';
  /** When this state began (Unix ms). */
  readonly sinceMs: number;
  /** Why it is away, one line. */
  readonly problem?: string;
}

/** What a prompt line asks for; `create` has a second field, the description. */
export type PromptKind = 'create' | 'edit' | 'spawn' | 'message' | 'return' | 'answer';

/** The conversation of an agent: turns, and the checkpoints below them. */
export interface SessionMode {
  readonly name: 'session';
  /** Session the rows are of; none while it is read. */
  readonly sessionId?: string;
  readonly title: string;
  readonly rows: readonly TreeRow[];
  readonly index: number;
  /** What is shown when there are no rows. */
  readonly note: string;
}

export type Mode =
  | { readonly name: 'board' }
  | { readonly name: 'detail'; readonly beadId: string; readonly scroll: number }
  | { readonly name: 'filter'; readonly input: TextInput; readonly before: string }
  | { readonly name: 'command'; readonly input: TextInput; readonly choices: readonly string[]; readonly past: number }
  | {
      readonly name: 'prompt';
      readonly kind: PromptKind;
      readonly label: string;
      /** Beads or the agent it is about, fixed when it was opened. */
      readonly targets: readonly string[];
      readonly input: TextInput;
      readonly description?: TextInput;
      readonly field: 'title' | 'description';
      /** Bead whose detail is behind it; the board when absent. */
      readonly from?: string;
      /** Choice of an inbox item that the words go with. */
      readonly choice?: string;
    }
  | {
      readonly name: 'confirm';
      readonly question: string;
      readonly action: string;
      readonly targets: readonly string[];
    }
  | { readonly name: 'help'; readonly input: TextInput; readonly index: number; readonly from?: string }
  | { readonly name: 'convoys'; readonly index: number }
  | SessionMode
  | { readonly name: 'inbox'; readonly index: number; readonly choice: number }
  | { readonly name: 'log'; readonly scroll: number }
  | { readonly name: 'queue'; readonly scroll: number }
  | {
      readonly name: 'output';
      readonly title: string;
      readonly text: string;
      readonly running: boolean;
      readonly scroll: number;
    }
  | { readonly name: 'setup'; readonly step: 0 | 1 | 2; readonly choice: number; readonly input: TextInput };

export type ModeName = Mode['name'];

export interface Toast {
  readonly kind: 'info' | 'good' | 'bad';
  readonly text: string;
  readonly hint?: string;
  readonly atMs: number;
}

/** One thing that was run, in the words of the CLI. */
export interface LogEntry {
  readonly atMs: number;
  readonly command: string;
  readonly outcome: 'running' | 'done' | 'refused';
  readonly detail?: string;
  readonly key: number;
}

export interface CardChange {
  readonly beadId: string;
  readonly from: string;
  readonly to: string;
}

/** A change that can be taken back: what the field of each card was and what it was set to. */
export interface Change {
  readonly field: 'status' | 'priority' | 'title';
  readonly cards: readonly CardChange[];
}

/** Something that takes long and is shown while it runs. */
export interface Pending {
  readonly key: number;
  readonly label: string;
  readonly sinceMs: number;
}

/** Ids of beads that hold these words anywhere, best first. */
export interface Found {
  readonly words: string;
  readonly ids: readonly string[];
}

export const CONVOY_ORDER = ['active', 'completed', 'archived'] as const satisfies readonly ConvoyStatus[];

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Cursor {
  readonly zone: 'lanes' | 'agents';
  readonly lane: BeadStatus;
  readonly agentId?: string;
}

export type ByLane<T> = Readonly<Record<BeadStatus, T>>;

export interface Model {
  readonly project?: Project;
  /** Event position the data is true for. */
  readonly seq: number;
  readonly beads: ReadonlyMap<string, Bead>;
  readonly agents: ReadonlyMap<string, Agent>;
  /** What waits for a person, oldest first. */
  readonly inbox: readonly InboxItem[];
  readonly merge: MergeModel;
  readonly convoys: ReadonlyMap<string, Convoy>;
  readonly spentUsd: number;
  readonly needsSetup: boolean;
  readonly connection: Connection;
  /** Ids of the cards each lane shows, filtered and in order: derived from `beads` and `filter`. */
  readonly lanes: ByLane<readonly string[]>;
  /** Agents shown, in order: derived from `agents`. */
  readonly crew: readonly string[];
  readonly cursor: Cursor;
  /** Selected card per lane. */
  readonly selected: ByLane<string | undefined>;
  /** Index of the first card shown per lane. */
  readonly tops: ByLane<number>;
  /** A card to select as soon as it is there. */
  readonly wanted?: string;
  readonly marked: ReadonlySet<string>;
  readonly filter: string;
  /** What the daemon found for the words of the filter. */
  readonly found?: Found;
  readonly mode: Mode;
  readonly toast?: Toast;
  readonly done: readonly Change[];
  readonly undone: readonly Change[];
  readonly log: readonly LogEntry[];
  readonly history: readonly string[];
  readonly pending: readonly Pending[];
  readonly nowMs: number;
  readonly size: Size;
}

export function perLane<T>(value: (lane: BeadStatus) => T): ByLane<T> {
  return { open: value('open'), 'in-progress': value('in-progress'), review: value('review'), done: value('done') };
}

export function initialModel(size: Size, nowMs: number): Model {
  return {
    seq: 0,
    beads: new Map(),
    agents: new Map(),
    inbox: [],
    merge: noMerge,
    convoys: new Map(),
    spentUsd: 0,
    needsSetup: false,
    connection: { state: 'connecting', sinceMs: nowMs },
    lanes: perLane(() => []),
    crew: [],
    cursor: { zone: 'lanes', lane: 'open' },
    selected: perLane(() => undefined),
    tops: perLane(() => 0),
    marked: new Set(),
    filter: '',
    mode: { name: 'board' },
    done: [],
    undone: [],
    log: [],
    history: [],
    pending: [],
    nowMs,
    size,
  };
}

export const setupStart: Mode = { name: 'setup', step: 0, choice: 0, input: emptyInput };

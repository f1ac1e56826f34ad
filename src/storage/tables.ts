/** Rows as the database holds them. Nouns are kept whole as JSON in `body`; columns are what queries need. */
import type { Generated } from 'kysely';

interface NounRow {
  id: string;
  project_id: string;
  body: string;
  version: number;
  created_at: string;
}

export interface ProjectRow {
  id: string;
  tenant_id: string;
  name: string;
  path: string;
  git_dir: string;
  main_branch: string;
  /** Commit of refs/godel/state this database is equal to. */
  state_oid: string | null;
  created_at: string;
}

export interface BeadRow extends NounRow {
  status: string;
  type: string;
  priority: string;
  agent: string | null;
  worktree: string | null;
  /** 0 critical … 3 low. */
  priority_rank: number;
  parent: string | null;
  /** Due date, or `~` when there is none, so that it sorts last. */
  due_key: string;
  updated_at: string;
  done_at: string | null;
  external_id: string | null;
  /** Beads it waits for that are not done; a missing one counts. */
  open_blockers: Generated<number>;
}

/** Side tables of beads: derived from `beads.body`, kept by src/beads/side-tables.ts and filled by graph.ts. */
export interface BeadLinkRow {
  project_id: string;
  from_id: string;
  kind: string;
  to_id: string;
}

export interface BeadLabelRow {
  project_id: string;
  label: string;
  bead_id: string;
}

export interface LeaseRow {
  project_id: string;
  bead_id: string;
  holder: string;
  generation: number;
  expires_ms: number;
}

export interface ConvoyBeadRow {
  project_id: string;
  convoy_id: string;
  bead_id: string;
}

/** Number of a bead in the full-text index `bead_search`. */
export interface BeadDocRow {
  doc_id: Generated<number>;
  project_id: string;
  bead_id: string;
  /** What the index knows of it: 0 nothing, 1 its text, 2 an older text. */
  indexed: Generated<number>;
}

export interface ConvoyRow extends NounRow {
  status: string;
  name: string;
}

export interface AgentRow extends NounRow {
  name: string;
  lifecycle: string;
  state: string;
  bead_id: string | null;
}

export interface PromptRow {
  id: string;
  agent_id: string;
  /** Idempotency key of the sender, unique per agent. */
  send_key: string | null;
  text: string;
  author: string;
  deliver_when: string;
  status: string;
  attempts: number;
  reason: string | null;
  created_at: string;
  delivered_at: string | null;
  acknowledged_at: string | null;
}

export interface AgentHistoryRow {
  id: Generated<number>;
  agent_id: string;
  generation: number;
  from_lifecycle: string;
  to_lifecycle: string;
  action: string;
  reason: string | null;
  at: string;
}

export interface InboxRow {
  id: string;
  project_id: string;
  /** What it is about, unique among open items. */
  key: string;
  kind: string;
  status: string;
  agent_id: string | null;
  body: string;
  created_at: string;
}

export interface InboxRuleRow {
  id: string;
  project_id: string;
  body: string;
  created_at: string;
}

export interface EventRow {
  seq: Generated<number>;
  id: string;
  type: string;
  timestamp: number;
  component: string;
  project_id: string | null;
  bead_id: string | null;
  agent_id: string | null;
  payload: string;
  metadata: string;
}

export interface OutboxRow {
  id: Generated<number>;
  project_id: string;
  path: string;
  content: string;
  subject: string;
  created_ms: number;
}

/** The last text of every file of the state ref, as written or about to be. */
export interface RecordRow {
  project_id: string;
  path: string;
  content: string;
}

/** This home as one of the writers of records. */
export interface ReplicaRow {
  id: string;
  name: string;
  /** Latest stamp ever given or seen; time never goes back behind it. */
  stamp: string;
}

export interface ConflictRow {
  project_id: string;
  id: string;
  about: string;
  is_open: number;
  created_at: string;
  body: string;
}

/** A file of the state ref that could not be read. */
export interface QuarantineRow {
  project_id: string;
  path: string;
  oid: string;
  problem: string;
  /** Where what is shown instead comes from: `database`, a commit, or empty. */
  replaced_by: string;
  found_at: string;
}

export interface TokenRow {
  /** SHA-256 of the token in hex. */
  hash: string;
  kind: string;
  actor_id: string;
  actor_name: string;
  created_at: string;
  revoked_at: string | null;
}

export interface WorktreeRow {
  project_id: string;
  bead_id: string;
  /** making, ready or removing. */
  state: string;
  path: string;
  /** Where it is while it is removed. */
  trash: string | null;
  /** 1 when its branch was made for it. */
  new_branch: number;
  created_ms: number;
  used_ms: number;
  bytes: number | null;
  measured_ms: number | null;
}

export interface CommitLinkRow {
  project_id: string;
  bead_id: string;
  commit_oid: string;
  /** 1 for the whole branch as one change; its commit is the head then. */
  whole: number;
  patch_id: string | null;
  subject: string;
  author: string;
  authored_at: string;
  position: number;
  /** 1 while the branch holds it. */
  current: number;
  /** Commit of the main branch with the same change. */
  main_oid: string | null;
}

export interface CommitScanRow {
  project_id: string;
  main_oid: string;
}

export interface PortBlockRow {
  base: number;
  size: number;
  project_id: string;
  bead_id: string;
}

export interface MergeEntryRow {
  id: string;
  project_id: string;
  bead_id: string;
  status: string;
  /** 1 when a landed entry holds nothing any more. */
  released: number;
  body: string;
  version: number;
}

export interface MergeQueueRow {
  project_id: string;
  body: string;
}

/** A tree that passed a gate. */
export interface MergeVerifiedRow {
  project_id: string;
  tree: string;
  gate: string;
  at_ms: number;
}

export interface BudgetAlertRow {
  /** Budget, period, limit and share. */
  id: string;
  at: string;
}

export interface ParkedAgentRow {
  agent_id: string;
  kind: string;
  reason: string;
  since: string;
  until: string | null;
  /** The budget it waits for: scope, subject and period. */
  budget: string | null;
}

export interface MessageRow {
  id: string;
  project_id: string;
  from_id: string;
  from_name: string;
  from_kind: string;
  to_id: string;
  to_name: string;
  text: string;
  sent_to: number;
  hops: number;
  /** The prompt that carries it; none for programs that take no prompts. */
  prompt_id: string | null;
  created_at: string;
  read_at: string | null;
}

export interface SessionRow extends NounRow {
  agent_id: string;
  bead_id: string | null;
  parent_id: string | null;
  status: string;
}

export interface CheckpointRow {
  id: string;
  project_id: string;
  session_id: string;
  bead_id: string | null;
  name: string | null;
  body: string;
  created_at: string;
}

/** A session that is being put elsewhere; done again from the start after a crash. */
export interface SessionMoveRow {
  agent_id: string;
  project_id: string;
  body: string;
  created_at: string;
}

export interface Tables {
  messages: MessageRow;
  budget_alerts: BudgetAlertRow;
  parked_agents: ParkedAgentRow;
  worktrees: WorktreeRow;
  port_blocks: PortBlockRow;
  commit_links: CommitLinkRow;
  commit_scans: CommitScanRow;
  projects: ProjectRow;
  beads: BeadRow;
  bead_links: BeadLinkRow;
  bead_labels: BeadLabelRow;
  bead_docs: BeadDocRow;
  convoy_beads: ConvoyBeadRow;
  leases: LeaseRow;
  convoys: ConvoyRow;
  agents: AgentRow;
  prompts: PromptRow;
  agent_history: AgentHistoryRow;
  sessions: SessionRow;
  checkpoints: CheckpointRow;
  session_moves: SessionMoveRow;
  inbox: InboxRow;
  inbox_rules: InboxRuleRow;
  events: EventRow;
  outbox: OutboxRow;
  tokens: TokenRow;
  records: RecordRow;
  replica: ReplicaRow;
  quarantine: QuarantineRow;
  merge_entries: MergeEntryRow;
  merge_queues: MergeQueueRow;
  merge_verified: MergeVerifiedRow;
  conflicts: ConflictRow;
}

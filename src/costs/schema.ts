/**
 * What the proxy and the daemon say to each other about keys, money and traffic: HTTP with JSON
 * over the Unix socket `run/proxy.sock` (mode 0600). Money is an integer number of nano-dollars
 * (1e-9 USD); token counts are disjoint, so their sum is what the provider read and wrote.
 */
import { z } from 'zod';

const count = z.number().int().positive();

/** Limits of one subject (an agent, a user, a project). Absent means unlimited. */
export const limitSetSchema = z.object({
  requests_per_minute: count.optional(),
  requests_per_hour: count.optional(),
  requests_per_day: count.optional(),
  tokens_per_minute: count.optional(),
  tokens_per_hour: count.optional(),
  tokens_per_day: count.optional(),
  concurrent: count.optional().describe('Requests at the same time'),
  calls_per_run: count.optional().describe('Requests in one life of an agent; one that loops must stop'),
  max_cost_usd: z.number().positive().optional().describe('Most that one request may cost'),
});
export type LimitSet = z.infer<typeof limitSetSchema>;

/** PUT /admin/keys/:hash — idempotent. `hash` is the SHA-256 of the virtual key in hex. */
export const virtualKeySchema = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of keys made by a person. */
  name: z.string().optional(),
  agentId: z.string().optional(),
  agentName: z.string().optional(),
  /** The life of the agent that it was made for. */
  generation: z.number().int().optional(),
  projectId: z.string(),
  beadId: z.string().optional(),
  convoyId: z.string().optional(),
  teamId: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  /** Models it may ask for, as a client names them; absent means any. */
  models: z.array(z.string()).optional(),
  expiresAt: z.string().optional(),
  /** Budget in nano-dollars of the key's agent, or of the key itself; absent means no limit of its own. */
  budgetNano: z.number().int().nonnegative().optional(),
  /** What the role of the agent holds it to, beside the limits of every agent: the smaller one counts. */
  limits: limitSetSchema.optional(),
  /** Requests and answers are kept, as the project wants. */
  record: z.boolean().optional(),
  createdAt: z.string(),
});
export type VirtualKey = z.infer<typeof virtualKeySchema>;

/** One key of a provider. `id` is a short fingerprint: it is what logs and reports show. */
export const providerKeySchema = z.object({ id: z.string(), value: z.string().min(1) });
export type ProviderKey = z.infer<typeof providerKeySchema>;

/** PUT /admin/policy. Keys travel over this socket and nowhere else. */
export const providerSchema = z.object({
  id: z.string().describe('anthropic, openai, demo, or a configured name'),
  dialect: z.enum(['anthropic', 'openai', 'google']),
  /** What an OpenAI endpoint offers, the form that other dialects are best translated to first. */
  api: z
    .array(z.enum(['responses', 'chat']))
    .nonempty()
    .default(['chat']),
  baseUrl: z.url(),
  /** In order of preference; none for an endpoint without authentication. */
  keys: z.array(providerKeySchema).default([]),
  headers: z.record(z.string(), z.string()).default({}),
  /** Certificates (PEM) that are trusted for this provider besides the system's. */
  ca: z.string().optional(),
  /** Model ids this provider serves; empty means any model of its price table. */
  models: z.array(z.string()).default([]),
});
export type Provider = z.infer<typeof providerSchema>;

export const limitsSchema = z.object({
  agent: limitSetSchema.default({}),
  user: limitSetSchema.default({}),
  project: limitSetSchema.default({}),
});
export type Limits = z.infer<typeof limitsSchema>;

/** What a name such as `fast` stands for: targets in order, `provider/model` or a model id. */
export const modelAliasSchema = z.object({
  use: z.array(z.string()).min(1),
  choose: z.enum(['order', 'cheapest', 'weighted']).default('order'),
  /** For `weighted`, one a target. */
  weights: z.array(z.number().positive()).default([]),
});
export type ModelAlias = z.infer<typeof modelAliasSchema>;

/** Prices in USD per million tokens that stand above the built-in table. */
export const priceOverrideSchema = z.object({
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  cache_read: z.number().nonnegative().optional(),
  cache_write_5m: z.number().nonnegative().optional(),
  cache_write_1h: z.number().nonnegative().optional(),
  context_window: count.optional(),
  max_tokens: count.optional(),
});
export type PriceOverride = z.infer<typeof priceOverrideSchema>;

/** PUT /admin/policy — replaces everything at once; requests in flight go on as they began. */
export const policySchema = z.object({
  providers: z.array(providerSchema),
  aliases: z.record(z.string(), modelAliasSchema).default({}),
  /** Model -> models that stand in for it, in order. */
  fallbacks: z.record(z.string(), z.array(z.string())).default({}),
  limits: limitsSchema.default({ agent: {}, user: {}, project: {} }),
  /** By `provider/model`. */
  prices: z.record(z.string(), priceOverrideSchema).default({}),
  /** A model without a known price: its tokens are counted, or it is refused. */
  unpriced: z.enum(['count', 'refuse']).default('count'),
  /** Attempts of one request, the first included. */
  attempts: count.default(4),
  /** Longest wait (ms) inside a request for a provider that is cooling down. */
  waitMs: z.number().int().nonnegative().default(5_000),
  /** Rows older than this many days leave the ledger; their sums stay. */
  retentionDays: count.default(400),
});
export type Policy = z.infer<typeof policySchema>;

export const tokenUseSchema = z.object({
  input: z.number().int(),
  cacheRead: z.number().int(),
  cacheWrite5m: z.number().int(),
  cacheWrite1h: z.number().int(),
  output: z.number().int().describe('Without reasoning'),
  reasoning: z.number().int(),
});
export type TokenUse = z.infer<typeof tokenUseSchema>;

export const outcomeSchema = z.enum(['ok', 'upstream-error', 'cut', 'cancelled', 'refused', 'failed']);
export type Outcome = z.infer<typeof outcomeSchema>;

/** One attempt at a provider, or a request that was refused before any. */
export const ledgerEntrySchema = z.object({
  id: z.string(),
  requestId: z.string(),
  attempt: z.number().int().describe('From 1; 0 when it was refused before any'),
  at: z.string().describe('When it ended'),
  agentId: z.string().optional(),
  agentName: z.string().optional(),
  projectId: z.string(),
  beadId: z.string().optional(),
  convoyId: z.string().optional(),
  teamId: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  keyName: z.string().optional().describe('Name of a virtual key that a person made'),
  provider: z.string().describe('Empty when it was refused before any attempt'),
  providerKey: z.string().optional().describe('Fingerprint of the provider key that was used'),
  model: z.string(),
  asked: z.string().describe('Model as the client named it'),
  dialect: z.string(),
  stream: z.boolean(),
  status: z.number().int(),
  outcome: outcomeSchema,
  reason: z.string().optional().describe('Why it was refused or failed'),
  tokens: tokenUseSchema,
  /** Null when the model has no known price: never silently zero. */
  costNano: z.number().int().nullable(),
  estimated: z.boolean(),
  latencyMs: z.number(),
  firstByteMs: z.number().nullable(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

export const dimensions = [
  'agent',
  'bead',
  'convoy',
  'team',
  'project',
  'user',
  'tenant',
  'key',
  'provider',
  'model',
  'dialect',
  'outcome',
  'hour',
  'day',
  'month',
] as const;
export const dimensionSchema = z.enum(dimensions);
export type Dimension = z.infer<typeof dimensionSchema>;

/** What a report or a list of rows is about. */
export const ledgerFilterSchema = z.object({
  projectId: z.string().optional(),
  agentId: z.string().optional(),
  beadId: z.string().optional(),
  convoyId: z.string().optional(),
  teamId: z.string().optional(),
  userId: z.string().optional(),
  keyName: z.string().optional(),
  provider: z.string().optional(),
  model: z.string().optional(),
  outcome: outcomeSchema.optional(),
  requestId: z.string().optional(),
  since: z.string().optional(),
  until: z.string().optional(),
});
export type LedgerFilter = z.infer<typeof ledgerFilterSchema>;

export const usageRowSchema = z.object({
  key: z.record(z.string(), z.string()).describe('Dimension -> value'),
  costNano: z.number().int(),
  cost: z.number().describe('USD'),
  requests: z.number().int(),
  unpriced: z.number().int(),
  estimated: z.number().int(),
  latencyMs: z.number().describe('Mean'),
  tokens: tokenUseSchema,
});
export type UsageRow = z.infer<typeof usageRowSchema>;

/** GET /admin/usage */
export const usageReportSchema = z.object({
  totalCostNano: z.number().int(),
  totalCost: z.number().describe('USD'),
  requests: z.number().int().describe('Attempts at providers'),
  unpriced: z.number().int().describe('Requests whose model has no known price'),
  tokens: tokenUseSchema,
  byProvider: z.record(z.string(), z.number()).describe('USD'),
  byAgent: z.record(z.string(), z.number()).describe('USD, by agent name'),
  byModel: z.record(z.string(), z.number()).describe('USD'),
  byBead: z.record(z.string(), z.number()).describe('USD'),
  byProject: z.record(z.string(), z.number()).describe('USD, by project id'),
  period: z.object({ start: z.string().nullable(), end: z.string() }).describe('Start is null from the beginning'),
  rows: z.array(usageRowSchema).describe('One a group, when groups were asked for'),
});
export type UsageReport = z.infer<typeof usageReportSchema>;

export const budgetScopes = ['agent', 'bead', 'convoy', 'team', 'project', 'user', 'tenant', 'key', 'home'] as const;
export const budgetScopeSchema = z.enum(budgetScopes);
export type BudgetScope = z.infer<typeof budgetScopeSchema>;
export const budgetPeriodSchema = z.enum(['total', 'day', 'month']);
export type BudgetPeriod = z.infer<typeof budgetPeriodSchema>;

/** PUT /admin/budgets — one for each scope, subject and period. Days and months are those of UTC. */
export const budgetSchema = z.object({
  scope: budgetScopeSchema,
  subject: z.string().describe('Id of what is limited; `*` for the whole home'),
  /** Name for a person. */
  label: z.string(),
  period: budgetPeriodSchema,
  limitNano: z.number().int().nonnegative(),
  createdAt: z.string(),
});
export type Budget = z.infer<typeof budgetSchema>;

export const budgetStateSchema = budgetSchema.extend({
  spentNano: z.number().int(),
  reservedNano: z.number().int().describe('Of requests in flight'),
  percent: z.number().describe('Of the limit that is spent'),
  resetsAt: z.string().nullable().describe('When the period ends'),
});
export type BudgetState = z.infer<typeof budgetStateSchema>;

/** All of the money on one page. */
export const costOverviewSchema = z.object({
  since: z.string().nullable().describe('From when the total and the groups count; null = from the beginning'),
  totalCostNano: z.number().int(),
  todayCostNano: z.number().int(),
  monthCostNano: z.number().int(),
  requests: z.number().int(),
  groups: z.array(
    z.object({ by: dimensionSchema, name: z.string(), costNano: z.number().int(), requests: z.number().int() }),
  ),
  budgets: z.array(budgetStateSchema),
});
export type CostOverview = z.infer<typeof costOverviewSchema>;

/** Why an agent cannot go on for now. */
export const parkingSchema = z.object({
  kind: z.enum(['budget', 'limit', 'calls', 'provider']),
  reason: z.string(),
  /** When it may go on; absent when only a person can change it. */
  until: z.string().optional(),
  /** The budget that is spent. */
  budget: z.object({ scope: budgetScopeSchema, subject: z.string(), period: budgetPeriodSchema }).optional(),
});
export type Parking = z.infer<typeof parkingSchema>;

/** GET /admin/activity — JSON lines, one a change; starts with every agent that has a request in flight. */
export const activitySchema = z.object({
  agentId: z.string(),
  /** The life of the agent that asked; absent for keys of an earlier release. */
  generation: z.number().int().optional(),
  at: z.number(),
  inFlight: z.number().int(),
  /** Why the last finished answer ended: end, tool, length, refused, sequence, pause. */
  stopReason: z.string().optional(),
  outcome: outcomeSchema.optional(),
  costNano: z.number().int().nullable().optional(),
  /** The last request was refused and will be until then. */
  parked: parkingSchema.optional(),
  /** Sum over the agent's life. */
  totalCostNano: z.number().int(),
  requests: z.number().int(),
});
export type Activity = z.infer<typeof activitySchema>;

/** Also on GET /admin/activity: a share of a budget was reached, or a budget changed so that there is room again. */
export const budgetNoticeSchema = z.object({
  budget: budgetStateSchema,
  /** 50, 80 or 100; 0 when there is room again. */
  reached: z.number().int(),
  /** Period the share was reached in, for example 2026-11; `total` without one. */
  period: z.string(),
});
export type BudgetNotice = z.infer<typeof budgetNoticeSchema>;

/** GET /admin/providers: what the proxy knows of the health of its targets. No key is in it. */
export const providerStateSchema = z.object({
  id: z.string(),
  dialect: z.string(),
  baseUrl: z.string(),
  models: z.array(z.string()),
  state: z.enum(['ok', 'degraded', 'down']),
  keys: z.array(z.object({ id: z.string(), coolingUntil: z.string().optional(), reason: z.string().optional() })),
  targets: z.array(
    z.object({
      model: z.string(),
      state: z.enum(['closed', 'half-open', 'open']),
      failures: z.number().int(),
      until: z.string().optional(),
      reason: z.string().optional(),
      latencyMs: z.number().nullable().describe('Moving mean to the first byte'),
    }),
  ),
});
export type ProviderState = z.infer<typeof providerStateSchema>;

/** POST /admin/providers/test */
export const providerTestSchema = z.object({
  id: z.string(),
  found: z.boolean(),
  tests: z.array(
    z.object({
      key: z.string().describe('Fingerprint of the key; empty when there is none'),
      ok: z.boolean(),
      status: z.number().int().nullable(),
      latencyMs: z.number().int(),
      problem: z.string().optional(),
    }),
  ),
});

export type ProviderTest = z.infer<typeof providerTestSchema>;

/** GET /admin/status, and what `proxy.json` holds besides. */
export const proxyStatusSchema = z.object({
  pid: z.number().int(),
  version: z.string(),
  port: z.number().int(),
  startedAt: z.string(),
  inFlight: z.number().int(),
  ledgerOk: z.boolean(),
  providers: z.array(z.string()),
});
export type ProxyStatus = z.infer<typeof proxyStatusSchema>;

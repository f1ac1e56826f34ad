/**
 * What the proxy and the daemon say to each other about keys, money and traffic: HTTP with JSON
 * over the Unix socket `run/proxy.sock` (mode 0600). Money is an integer number of nano-dollars
 * (1e-9 USD); token counts are disjoint, so their sum is what the provider read and wrote.
 */
import { z } from 'zod';

/** PUT /admin/keys/:hash — idempotent. `hash` is the SHA-256 of the virtual key in hex. */
export const virtualKeySchema = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  agentId: z.string(),
  agentName: z.string(),
  projectId: z.string(),
  beadId: z.string().optional(),
  convoyId: z.string().optional(),
  /** Budget in nano-dollars; absent means no limit of its own. */
  budgetNano: z.number().int().nonnegative().optional(),
  createdAt: z.string(),
});
export type VirtualKey = z.infer<typeof virtualKeySchema>;

/** PUT /admin/providers — replaces the set. Keys travel over this socket and nowhere else. */
export const providerSchema = z.object({
  id: z.string().describe('anthropic, openai, demo, or a configured name'),
  dialect: z.enum(['anthropic', 'openai', 'google']),
  /** What an OpenAI endpoint offers, the form that other dialects are best translated to first. */
  api: z
    .array(z.enum(['responses', 'chat']))
    .nonempty()
    .default(['chat']),
  baseUrl: z.url(),
  apiKey: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Certificates (PEM) that are trusted for this provider besides the system's. */
  ca: z.string().optional(),
  /** Model ids this provider serves; empty means any model of its price table. */
  models: z.array(z.string()).default([]),
});
export type Provider = z.infer<typeof providerSchema>;

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

/** One attempt at a provider. */
export const ledgerEntrySchema = z.object({
  id: z.string(),
  requestId: z.string(),
  at: z.string(),
  agentId: z.string(),
  agentName: z.string(),
  projectId: z.string(),
  beadId: z.string().optional(),
  convoyId: z.string().optional(),
  provider: z.string(),
  model: z.string(),
  dialect: z.string(),
  stream: z.boolean(),
  status: z.number().int(),
  outcome: outcomeSchema,
  tokens: tokenUseSchema,
  /** Null when the model has no known price: never silently zero. */
  costNano: z.number().int().nullable(),
  estimated: z.boolean(),
  latencyMs: z.number(),
  firstByteMs: z.number().nullable(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** GET /admin/usage?projectId=&agentId=&beadId=&since= */
export const usageReportSchema = z.object({
  totalCostNano: z.number().int(),
  totalCost: z.number().describe('USD'),
  requests: z.number().int(),
  unpriced: z.number().int().describe('Requests whose model has no known price'),
  tokens: tokenUseSchema,
  byProvider: z.record(z.string(), z.number()).describe('USD'),
  byAgent: z.record(z.string(), z.number()).describe('USD, by agent name'),
  byModel: z.record(z.string(), z.number()).describe('USD'),
  byBead: z.record(z.string(), z.number()).describe('USD'),
});
export type UsageReport = z.infer<typeof usageReportSchema>;

/** GET /admin/activity — JSON lines, one a change; starts with every key that has a request in flight. */
export const activitySchema = z.object({
  agentId: z.string(),
  at: z.number(),
  inFlight: z.number().int(),
  /** Why the last finished answer ended, in the provider's own word. */
  stopReason: z.string().optional(),
  outcome: outcomeSchema.optional(),
  costNano: z.number().int().nullable().optional(),
  /** Sum over the agent's life. */
  totalCostNano: z.number().int(),
  requests: z.number().int(),
});
export type Activity = z.infer<typeof activitySchema>;

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

/** The one config schema. Order: flag > environment > project file > user file > default. */
import { z } from 'zod';
import { limitSetSchema, modelAliasSchema, priceOverrideSchema } from './costs/schema.ts';
import { isHours } from './inbox/state.ts';

/** Names of header fields (RFC 9110, 5.1) but for those that say where a request ends. */
const headerName = z
  .string()
  .regex(
    /^(?!(?:content-length|transfer-encoding|connection)$)[!#$%&'*+.^_`|~0-9a-z-]+$/i,
    'no header that can be set',
  );
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'no value of a header');

const providerConfig = z.strictObject({
  dialect: z.enum(['anthropic', 'openai', 'google']).describe('Wire dialect the endpoint speaks'),
  api: z
    .array(z.enum(['responses', 'chat']))
    .nonempty()
    .default(['chat'])
    .describe('What an OpenAI endpoint offers, the preferred form first'),
  base_url: z.url().describe('Base URL without the path of the dialect'),
  api_key_env: z.string().optional().describe('Environment variable of the daemon that holds the key'),
  headers: z.record(headerName, headerValue).default({}).describe('Further headers of every request to it'),
  ca_file: z.string().optional().describe("Certificates (PEM) to trust for it besides the system's"),
  models: z.array(z.string()).default([]).describe('Model ids it serves'),
});

export const configSchema = z.strictObject({
  provider: z.string().optional().describe('Default LLM provider: anthropic, openai, demo or a configured name'),
  model: z.string().optional().describe('Default model'),
  runtime: z.string().default('pi').describe('Default runtime of new agents'),
  agent_permission: z
    .enum(['ask', 'edits', 'all'])
    .default('edits')
    .describe('What agents do without asking, on runtimes that ask: nothing, edits of files, everything'),
  main_branch: z.string().optional().describe('Branch that work lands on; found by itself when not set'),
  setup_command: z.string().default('').describe('Runs in every new worktree, for example npm ci'),
  setup_timeout_seconds: z.coerce.number().int().min(0).default(0).describe('Longest set-up or teardown; 0 = no limit'),
  teardown_command: z.string().default('').describe('Runs in a worktree before it is removed'),
  proof_command: z.string().default('').describe('Must pass before a bead goes to review, for example npm test'),
  proof_timeout_seconds: z.coerce.number().int().positive().default(3600).describe('Longest proof'),
  gate_command: z.string().default('').describe('Must pass before work lands; the proof command when not set'),
  team: z.string().optional().describe('Team whose budgets what the agents of a project spend counts against'),
  record_bodies: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe('Keep requests to models and their answers, of agents that start from then on'),
  copy_patterns: z.array(z.string()).default(['.env', '.env.*']).describe('Ignored files copied into new worktrees'),
  link_patterns: z.array(z.string()).default([]).describe('Ignored files linked into new worktrees; name/ = a folder'),
  sparse_patterns: z.array(z.string()).default([]).describe('Only these folders are checked out in worktrees'),
  pool_size: z.coerce.number().int().min(0).max(50).default(0).describe('Worktrees kept ready for new beads'),
  ports_per_worktree: z.coerce.number().int().min(0).max(1000).default(10).describe('Ports reserved for a worktree'),
  port_base: z.coerce.number().int().min(1024).max(65000).default(20_000).describe('First port of worktrees'),
  worktree_cleanup: z
    .enum(['immediate', 'on-success', 'after-days', 'never'])
    .default('on-success')
    .describe('Removal of worktrees: when the agent ends, when work has landed, days after that, or never'),
  worktree_cleanup_days: z.coerce.number().min(0).default(7).describe('Days that after-days waits'),
  worktree_quota_gb: z.coerce.number().min(0).default(0).describe('Most disk space of worktrees; 0 = no limit'),
  max_retries: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .default(3)
    .describe('An agent that fails starts again this often by itself; shell agents do not'),
  memory_reserve_mb: z.coerce
    .number()
    .int()
    .min(0)
    .default(512)
    .describe('Memory that agents leave to everything else'),
  memory_limit_mb: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Memory that all agents may use together; one that does not fit waits. 0 = all there is'),
  agent_memory_mb: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Most memory of one agent with all it starts; 0 = no cap'),
  agent_processes: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Most processes and threads of one agent with all it starts; 0 = no cap'),
  agent_caps: z
    .enum(['auto', 'rlimit', 'watch'])
    .default('auto')
    .describe(
      'What holds agents to these caps: control groups where they can be had, limits of processes, or watching',
    ),
  stuck_seconds: z.coerce
    .number()
    .int()
    .min(0)
    .default(600)
    .describe('A busy agent without traffic, output and changed files for this long counts as stuck; 0 = never'),
  loop_repeats: z.coerce
    .number()
    .int()
    .min(0)
    .max(50)
    .default(10)
    .describe('The same tool call this often in a row counts as looping; 0 = never'),
  call_cap: z.coerce
    .number()
    .int()
    .min(0)
    .default(500)
    .describe('Model calls in one turn that count as looping; 0 = no cap'),
  open_todos: z.enum(['warn', 'refuse']).default('warn').describe('What godel done does when the agent has open todos'),
  message_hops: z.coerce
    .number()
    .int()
    .min(0)
    .default(10)
    .describe('Messages that agents answer each other with before they are cut off; 0 = never'),
  merge_strategy: z
    .enum(['merge', 'squash', 'rebase'])
    .default('merge')
    .describe('How accepted work lands on the main branch'),
  merge_gates: z.coerce.number().int().min(1).max(16).default(1).describe('Gates of the merge queue side by side'),
  merge_retries: z.coerce
    .number()
    .int()
    .min(0)
    .max(5)
    .default(1)
    .describe('Times a red gate runs again before an entry is blamed; 0 for a gate that never flakes'),
  merge_remote: z.string().default('').describe('Remote that landings are pushed to, with a lease; empty = none'),
  merge_refinery: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe('Start an agent of role refinery on conflicts'),
  checkpoint_turns: z.coerce
    .number()
    .int()
    .min(0)
    .default(10)
    .describe('A checkpoint is made after so many answers of a model, and whenever an agent rests; 0 = by hand only'),
  checkpoint_keep: z.coerce
    .number()
    .int()
    .min(1)
    .default(50)
    .describe('Checkpoints of a session that were made by themselves and are kept; named ones always are'),
  snapshot_seconds: z.coerce.number().int().min(5).default(60).describe('Uncommitted work is snapshotted this often'),
  notify_desktop: z.boolean().default(false).describe('Show what waits for you as a notification of the desktop'),
  notify_bell: z.boolean().default(true).describe('Ring the bell of the terminal when something begins to wait'),
  notify_webhook: z.string().default('').describe('URL that what begins to wait is posted to as JSON'),
  quiet_hours: z
    .string()
    .refine(isHours, 'hours are written as 22:00-07:00')
    .default('')
    .describe('Neither bell nor notifications in these hours, for example 22:00-07:00'),
  sync_remote: z
    .string()
    .default('')
    .describe('Git remote that beads are exchanged with by themselves; none when empty'),
  sync_interval_seconds: z.coerce.number().int().min(5).default(30).describe('Time between exchanges'),
  sync_fallback_branch: z
    .string()
    .regex(/^[A-Za-z0-9._/-]*$/)
    .default('')
    .describe('Branch for a remote that does not take refs/godel/state, for example godel-state'),
  daemon_port: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(7373)
    .describe('REST and WebSocket on 127.0.0.1; 0 = any free'),
  proxy_port: z.coerce.number().int().min(0).max(65535).default(7374).describe('LLM proxy on 127.0.0.1; 0 = any free'),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Log detail'),
  model_aliases: z
    .record(z.string().regex(/^[a-z][a-z0-9_-]*$/), z.union([z.array(z.string()).min(1), modelAliasSchema]))
    .default({})
    .describe('Names for models, such as fast: [anthropic/claude-haiku-4-5, openai/gpt-5.4-mini]'),
  model_fallbacks: z
    .record(z.string(), z.array(z.string()))
    .default({})
    .describe('Model -> models that stand in when it cannot be had'),
  limits: z
    .strictObject({
      agent: limitSetSchema.strict().optional().describe('Of every agent'),
      user: limitSetSchema.strict().optional().describe('Of every user'),
      project: limitSetSchema.strict().optional().describe('Of every project'),
    })
    .default({})
    .describe('Requests and tokens a minute, hour and day, requests at a time, calls a run, most a request may cost'),
  prices: z
    .record(z.string().regex(/^[^/]+\/.+$/), priceOverrideSchema)
    .default({})
    .describe('Own prices by provider/model, in USD per million tokens'),
  unpriced_models: z.enum(['count', 'refuse']).default('count').describe('What happens to a model without a price'),
  request_attempts: z.coerce.number().int().min(1).max(20).default(4).describe('Attempts of one request to a model'),
  request_wait_seconds: z.coerce
    .number()
    .min(0)
    .max(300)
    .default(5)
    .describe('Longest wait inside a request for a provider that is busy'),
  ledger_days: z.coerce.number().int().min(1).default(400).describe('Requests are kept in the ledger this long'),
  providers: z
    .record(z.string().regex(/^[a-z][a-z0-9-]*$/), providerConfig)
    .default({})
    .describe('Further providers'),
});
export type Config = z.infer<typeof configSchema>;

/** Settings that only the user's file and the environment may set: they belong to the daemon. */
export const DAEMON_KEYS: readonly (keyof Config)[] = [
  'daemon_port',
  'proxy_port',
  'log_level',
  'memory_reserve_mb',
  'memory_limit_mb',
  'agent_caps',
  'providers',
  'notify_desktop',
  'notify_bell',
  'notify_webhook',
  'quiet_hours',
  'model_aliases',
  'model_fallbacks',
  'limits',
  'prices',
  'unpriced_models',
  'request_attempts',
  'request_wait_seconds',
  'ledger_days',
];

/** Environment variables that set a key. */
export const ENVIRONMENT_KEYS: Readonly<Partial<Record<keyof Config, string>>> = {
  daemon_port: 'GODEL_PORT',
  proxy_port: 'GODEL_PROXY_PORT',
  log_level: 'GODEL_LOG_LEVEL',
};

export interface ConfigLayer {
  /** `env`, or the path of a file. */
  origin: string;
  values: Record<string, unknown>;
}

export interface ResolvedConfig {
  config: Config;
  /** Key -> where its value comes from; keys at their default are absent. */
  origins: ReadonlyMap<string, string>;
}

/** Merges layers, the first one strongest. Throws a ZodError that names the bad key. */
export function resolveConfig(layers: readonly ConfigLayer[]): ResolvedConfig {
  const merged: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer.values)) {
      if (origins.has(key) || value === undefined) continue;
      merged[key] = value;
      origins.set(key, layer.origin);
    }
  }
  return { config: configSchema.parse(merged), origins };
}

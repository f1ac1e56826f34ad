/** Claude Code as an agent: a private configuration folder, seeded so that nothing blocks its first start. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deniedTools, type Prepared, type PrepareSpec, type Runtime } from '../../src/agents/runtime.ts';
import { claudeHistory } from './history/claude.ts';
import { hookSettings, hookSocketOf } from './hook-settings.ts';
import { transcriptFile } from './host/claude.ts';
import { CLAUDE_HOOK_EVENTS } from './host/hook-events.ts';
import { createProgram } from './program.ts';
import { type HostFiles, hostCommand, modelOf } from './protocol-host.ts';

export interface ClaudeRuntimeOptions extends HostFiles {
  /** The bundled hook client, dist/agent-hook.js. */
  hookFile: string;
  path: () => string;
}

/** What hands work over needs no question in any mode. */
const ALWAYS_ALLOWED = [
  'mcp__godel',
  'Bash(godel:*)',
  'Bash(git status:*)',
  'Bash(git diff:*)',
  'Bash(git log:*)',
  'Bash(git add:*)',
  'Bash(git commit:*)',
];

const TOOLS = {
  read: ['Read', 'Glob', 'Grep', 'LS', 'NotebookRead'],
  // A worktree of its own making is written as well.
  edit: ['Edit', 'MultiEdit', 'Write', 'NotebookEdit', 'EnterWorktree', 'ExitWorktree'],
  shell: ['Bash', 'BashOutput', 'KillShell', 'Monitor', 'PowerShell'],
  web: ['WebFetch', 'WebSearch'],
};

const MODES = { ask: 'default', edits: 'acceptEdits', all: 'bypassPermissions' } as const;

/** `.claude.json` with the answers to everything that would block the first start; what is there is kept. */
async function seed(home: string, cwd: string): Promise<void> {
  const file = join(home, '.claude.json');
  const known = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>) : {};
  const projects = (known.projects ?? {}) as Record<string, object>;
  const trusted = { ...projects[cwd], hasTrustDialogAccepted: true };
  const next = { theme: 'dark', ...known, hasCompletedOnboarding: true, projects: { ...projects, [cwd]: trusted } };
  await writeFile(file, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
}

function environment(spec: PrepareSpec, home: string): Record<string, string> {
  const model = modelOf(spec);
  return {
    CLAUDE_CONFIG_DIR: home,
    ANTHROPIC_BASE_URL: spec.proxyUrl,
    ANTHROPIC_AUTH_TOKEN: spec.virtualKey,
    ANTHROPIC_MODEL: model,
    ANTHROPIC_SMALL_FAST_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
    // Tools are listed at once: those of Godel are few, and looked for when they are not seen.
    ENABLE_TOOL_SEARCH: 'false',
    // Over its protocol the first prompt waits until they are there; in its own face the host waits for them.
    MCP_CONNECTION_NONBLOCKING: '0',
    // Its list of tasks is written by one tool call, whole: that is what the board shows.
    CLAUDE_CODE_ENABLE_TASKS: '0',
    CLAUDE_CODE_ENABLE_TODO_TOOLS: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // Bypassing is refused to root unless it is told that the worktree is its own box.
    ...(spec.permission === 'all' && process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {}),
  };
}

export function createClaudeRuntime(options: ClaudeRuntimeOptions): Runtime {
  const program = createProgram({
    name: 'claude',
    install: 'npm install -g @anthropic-ai/claude-code',
    oldest: '2.1.0',
    path: options.path,
  });

  async function prepare(spec: PrepareSpec): Promise<Prepared> {
    const home = join(spec.home, 'claude');
    await mkdir(home, { recursive: true, mode: 0o700 });
    await seed(home, spec.cwd);
    // The agent's own id is the id of its first conversation: a later life finds it without being told.
    const sessionId = spec.sessionId ?? spec.agentId;
    const session = existsSync(transcriptFile(home, spec.cwd, sessionId)) ? '--resume' : '--session-id';
    const denied = deniedTools(TOOLS, spec.tools);
    const common = [
      session,
      sessionId,
      '--append-system-prompt',
      spec.instructions,
      '--permission-mode',
      MODES[spec.permission],
      '--allowedTools',
      ALWAYS_ALLOWED.join(','),
      '--mcp-config',
      join(home, 'godel-mcp.json'),
      ...(denied.length > 0 ? ['--disallowedTools', denied.join(',')] : []),
    ];
    const speaks = ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];
    const streams = ['--include-partial-messages', '--replay-user-messages', '--permission-prompt-tool', 'stdio'];
    const face = spec.mode === 'pane';
    const settings = join(home, 'godel-hooks.json');
    // It would ask whether it may bypass what it asks, with "No, exit" as the answer.
    const shown = { ...hookSettings(options, CLAUDE_HOOK_EVENTS), skipDangerousModePermissionPrompt: true };
    await writeFile(settings, `${JSON.stringify(shown, null, 2)}\n`, { mode: 0o600 });
    const mcp = join(home, 'godel-mcp.json');
    const told = face ? { env: { GODEL_HOOK_SOCKET: hookSocketOf(spec.bridgeSocket, spec.agentId) } } : {};
    const servers = { mcpServers: { godel: { type: 'stdio', command: spec.mcpCommand, args: [], ...told } } };
    await writeFile(mcp, `${JSON.stringify(servers, null, 2)}\n`, { mode: 0o600 });
    const argv = [program.file(), ...(face ? ['--settings', settings] : [...speaks, ...streams]), ...common];
    return {
      argv: await hostCommand(options, spec, { driver: 'claude', argv, sessionId, face }),
      env: environment(spec, home),
      sessionFile: transcriptFile(home, spec.cwd, sessionId),
      sessionId,
    };
  }

  return {
    id: 'claude',
    summary: 'Claude Code',
    delivery: 'bridge',
    modes: ['pane', 'headless'],
    compacts: ['pane', 'headless'],
    dialects: ['anthropic'],
    enforces: ['read', 'edit', 'shell', 'web'],
    instructions: 'system',
    history: claudeHistory,
    probe: program.probe,
    prepare,
  };
}

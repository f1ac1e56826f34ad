/** Codex as an agent: a private CODEX_HOME whose one provider is the proxy, which serves it the Responses dialect. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Prepared, type PrepareSpec, type Runtime, SESSION_ID_FILE } from '../../src/agents/runtime.ts';
import type { Tool } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import { codexHistory } from './history/codex.ts';
import { hookSettings } from './hook-settings.ts';
import { settleSessionId } from './host/session-id.ts';
import { createProgram } from './program.ts';
import { type HostFiles, hostCommand, modelOf } from './protocol-host.ts';

export interface CodexRuntimeOptions extends HostFiles {
  /** The bundled hook client, dist/agent-hook.js. */
  hookFile: string;
  path: () => string;
}

const POLICIES = {
  ask: { approval: 'on-request', sandbox: 'read-only' },
  edits: { approval: 'on-request', sandbox: 'workspace-write' },
  all: { approval: 'never', sandbox: 'danger-full-access' },
} as const;

/** A JSON string is a basic string of TOML as well. */
const toml = (text: string) => JSON.stringify(text);

/** Codex's config.toml. Commits of a worktree are written to the repository it belongs to, so that is writable too. Pure. */
export function codexConfig(spec: PrepareSpec, commonDir: string, gitDir: string): string {
  const { approval } = POLICIES[spec.permission];
  const may = (tool: Tool) => spec.tools === undefined || spec.tools.includes(tool);
  const sandbox = may('edit') ? POLICIES[spec.permission].sandbox : 'read-only';
  return [
    `model = ${toml(modelOf(spec))}`,
    `developer_instructions = ${toml(spec.instructions)}`,
    'model_provider = "godel"',
    `approval_policy = "${approval}"`,
    `sandbox_mode = "${sandbox}"`,
    'check_for_update_on_startup = false',
    // A login shell would put the PATH of the system in the place of the agent's.
    'allow_login_shell = false',
    ...(may('web') ? [] : ['web_search = "disabled"']),
    '',
    // It reads by its shell as well: without one it has what Godel offers, and edits where it may.
    ...(may('shell') ? [] : ['[features]', 'shell_tool = false', 'unified_exec = false', '']),
    '[model_providers.godel]',
    'name = "Godel"',
    `base_url = ${toml(`${spec.proxyUrl}/v1`)}`,
    'env_key = "GODEL_PROXY_KEY"',
    'wire_api = "responses"',
    '',
    '[sandbox_workspace_write]',
    `writable_roots = [${[commonDir, gitDir].map(toml).join(', ')}]`,
    // The agent's own `godel` command speaks with the daemon over a socket.
    'network_access = true',
    '',
    '[mcp_servers.godel]',
    `command = ${toml(spec.mcpCommand)}`,
    // A question to a person may wait over night.
    'tool_timeout_sec = 86400',
    // The first prompt waits until its tools are there.
    'required = true',
    'default_tools_approval_mode = "approve"',
    '',
    '[shell_environment_policy]',
    'inherit = "all"',
    'ignore_default_excludes = true',
    '',
    `[projects.${toml(spec.cwd)}]`,
    'trust_level = "trusted"',
    '',
  ].join('\n');
}

export function createCodexRuntime(options: CodexRuntimeOptions): Runtime {
  const program = createProgram({
    name: 'codex',
    install: 'npm install -g @openai/codex',
    oldest: '0.160.0',
    path: options.path,
  });

  async function prepare(spec: PrepareSpec): Promise<Prepared> {
    const home = join(spec.home, 'codex');
    await mkdir(home, { recursive: true, mode: 0o700 });
    const folders = await git(spec.cwd, ['rev-parse', '--git-common-dir', '--git-dir']);
    const [common = '', own = ''] = folders.trim().split('\n');
    const config = codexConfig(spec, resolve(spec.cwd, common), resolve(spec.cwd, own));
    await writeFile(join(home, 'config.toml'), config, { mode: 0o600 });
    await writeFile(join(home, 'hooks.json'), `${JSON.stringify(hookSettings(options), null, 2)}\n`, { mode: 0o600 });
    const known = settleSessionId(join(spec.home, SESSION_ID_FILE), spec.sessionId);
    const face = spec.mode === 'pane';
    const shown = ['--no-daemon', '--dangerously-bypass-hook-trust', ...(known ? ['resume', known] : [])];
    const argv = [program.file(), ...(face ? shown : ['app-server'])];
    return {
      argv: await hostCommand(options, spec, { driver: 'codex', argv, face }),
      env: { CODEX_HOME: home },
    };
  }

  return {
    id: 'codex',
    summary: 'OpenAI Codex',
    delivery: 'bridge',
    modes: ['pane', 'headless'],
    compacts: ['pane', 'headless'],
    dialects: ['openai-responses'],
    // It reads by its shell; one that may use it and may not edit is held to reading by the operating system.
    enforces: ['edit', 'shell', 'web'],
    instructions: 'system',
    history: codexHistory,
    probe: program.probe,
    prepare,
  };
}

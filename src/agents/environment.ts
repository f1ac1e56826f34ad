/** The environment an agent gets: an allow list, so that no secret of the daemon can slip through. Pure. */

const ALLOWED = new Set([
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'EDITOR',
  'VISUAL',
  'PAGER',
  'COLORTERM',
  'SSH_AUTH_SOCK',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_CACHE_HOME',
  'XDG_STATE_HOME',
  'XDG_RUNTIME_DIR',
  'NVM_DIR',
  'VOLTA_HOME',
  'PNPM_HOME',
  'BUN_INSTALL',
  'DENO_DIR',
  'JAVA_HOME',
  'GOPATH',
  'GOROOT',
  'GOBIN',
  'CARGO_HOME',
  'RUSTUP_HOME',
  'PYENV_ROOT',
  'VIRTUAL_ENV',
  'RBENV_ROOT',
  'ASDF_DIR',
  'ASDF_DATA_DIR',
]);

type Environment = Readonly<Record<string, string | undefined>>;

/** What of the daemon's environment is safe for agents. */
export function inheritedEnvironment(daemon: Environment): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(daemon)) {
    if (value !== undefined && (ALLOWED.has(key) || key.startsWith('LC_'))) env[key] = value;
  }
  return env;
}

export interface IdentitySpec {
  agentId: string;
  agentName: string;
  role: string;
  generation: number;
  beadId?: string | undefined;
  projectId: string;
  token: string;
  home: string;
  bridgeSocket: string;
  proxyUrl: string;
  virtualKey: string;
  /** Folder that holds the `godel` command. */
  binDir: string;
}

/** Variables that tell an agent who it is and where its model lives. */
export function identityEnvironment(spec: IdentitySpec, daemon: Environment): Record<string, string> {
  return {
    PATH: `${spec.binDir}:${daemon.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`,
    TERM: 'tmux-256color',
    COLORTERM: 'truecolor',
    ...(daemon.GODEL_HOME ? { GODEL_HOME: daemon.GODEL_HOME } : {}),
    GODEL_AGENT_ID: spec.agentId,
    GODEL_AGENT_NAME: spec.agentName,
    GODEL_ROLE: spec.role,
    GODEL_GENERATION: String(spec.generation),
    ...(spec.beadId ? { GODEL_BEAD_ID: spec.beadId } : {}),
    GODEL_PROJECT: spec.projectId,
    GODEL_TOKEN: spec.token,
    GODEL_AGENT_HOME: spec.home,
    GODEL_BRIDGE_SOCKET: spec.bridgeSocket,
    GODEL_PROXY_URL: spec.proxyUrl,
    GODEL_PROXY_KEY: spec.virtualKey,
    ANTHROPIC_BASE_URL: spec.proxyUrl,
    ANTHROPIC_AUTH_TOKEN: spec.virtualKey,
    OPENAI_BASE_URL: `${spec.proxyUrl}/v1`,
    OPENAI_API_KEY: spec.virtualKey,
    GIT_AUTHOR_NAME: spec.agentName,
    GIT_AUTHOR_EMAIL: `${spec.agentName}@agents.godel.local`,
    GIT_COMMITTER_NAME: spec.agentName,
    GIT_COMMITTER_EMAIL: `${spec.agentName}@agents.godel.local`,
    GIT_TERMINAL_PROMPT: '0',
  };
}

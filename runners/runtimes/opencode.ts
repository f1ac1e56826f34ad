/** opencode as an agent, in its pane or over ACP: its configuration, data and cache are the agent's own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  deniedTools,
  type Prepared,
  type PrepareSpec,
  type Runtime,
  SESSION_ID_FILE,
} from '../../src/agents/runtime.ts';
import { opencodeHistory } from './history/opencode.ts';
import { OPENCODE_PROVIDER } from './host/opencode-api.ts';
import { settleSessionId } from './host/session-id.ts';
import { createProgram } from './program.ts';
import { type HostFiles, hostCommand, modelOf } from './protocol-host.ts';

export interface OpencodeRuntimeOptions extends HostFiles {
  path: () => string;
}

const PERMISSIONS = {
  ask: { edit: 'ask', bash: { '*': 'ask', 'godel *': 'allow' } },
  edits: { edit: 'allow', bash: { '*': 'ask', 'godel *': 'allow', 'git add *': 'allow', 'git commit *': 'allow' } },
  all: { edit: 'allow', bash: 'allow' },
} as const;

const TOOLS = {
  read: ['read', 'glob', 'grep', 'list'],
  edit: ['edit'],
  shell: ['bash'],
  web: ['webfetch', 'websearch', 'codesearch'],
};

const denials = (spec: PrepareSpec) =>
  Object.fromEntries(deniedTools(TOOLS, spec.tools).map((name) => [name, 'deny' as const]));

/** opencode.json: one provider, the proxy; titles go to the same model. Pure. */
export function opencodeConfig(spec: PrepareSpec, instructionsFile: string): object {
  const model = modelOf(spec);
  return {
    provider: {
      [OPENCODE_PROVIDER]: {
        npm: '@ai-sdk/openai-compatible',
        name: 'Godel',
        options: { baseURL: `${spec.proxyUrl}/v1`, apiKey: '{env:GODEL_PROXY_KEY}' },
        models: { [model]: { name: model } },
      },
    },
    model: `${OPENCODE_PROVIDER}/${model}`,
    small_model: `${OPENCODE_PROVIDER}/${model}`,
    instructions: [instructionsFile],
    permission: { ...PERMISSIONS[spec.permission], ...denials(spec) },
    mcp: { godel: { type: 'local', command: [spec.mcpCommand], enabled: true, timeout: 30_000 } },
    autoupdate: false,
    share: 'disabled',
  };
}

export function createOpencodeRuntime(options: OpencodeRuntimeOptions): Runtime {
  const program = createProgram({
    name: 'opencode',
    install: 'npm install -g opencode-ai',
    oldest: '1.0.0',
    path: options.path,
  });

  async function prepare(spec: PrepareSpec): Promise<Prepared> {
    const home = join(spec.home, 'opencode');
    await mkdir(home, { recursive: true, mode: 0o700 });
    const instructions = join(home, 'instructions.md');
    await writeFile(instructions, `${spec.instructions}\n`, { mode: 0o600 });
    const config = join(home, 'opencode.json');
    await writeFile(config, `${JSON.stringify(opencodeConfig(spec, instructions), null, 2)}\n`, { mode: 0o600 });
    settleSessionId(join(spec.home, SESSION_ID_FILE), spec.sessionId);
    const face = spec.mode === 'pane';
    const given = face
      ? ({ driver: 'opencode', argv: [program.file()], face } as const)
      : ({ driver: 'acp', argv: [program.file(), 'acp'], compactCommand: '/compact' } as const);
    return {
      argv: await hostCommand(options, spec, given),
      env: {
        OPENCODE_CONFIG: config,
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        // Its models are those of the proxy; a list from elsewhere only makes its start longer.
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        XDG_CONFIG_HOME: join(home, 'config'),
        XDG_DATA_HOME: join(home, 'data'),
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_STATE_HOME: join(home, 'state'),
      },
    };
  }

  return {
    id: 'opencode',
    summary: 'opencode',
    delivery: 'bridge',
    modes: ['pane', 'headless'],
    compacts: ['pane', 'headless'],
    dialects: ['openai-chat', 'anthropic'],
    history: opencodeHistory,
    enforces: ['read', 'edit', 'shell', 'web'],
    instructions: 'system',
    probe: program.probe,
    prepare,
  };
}

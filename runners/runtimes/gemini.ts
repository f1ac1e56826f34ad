/** Gemini CLI as an agent, over ACP: a private home, and Google's dialect from the proxy. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deniedTools, type Prepared, type PrepareSpec, type Runtime } from '../../src/agents/runtime.ts';
import { geminiHistory } from './history/gemini.ts';
import { createProgram } from './program.ts';
import { type HostFiles, hostCommand, modelOf } from './protocol-host.ts';

export interface GeminiRuntimeOptions extends HostFiles {
  path: () => string;
}

const MODES = { ask: 'default', edits: 'auto_edit', all: 'yolo' } as const;

const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  general: { disableAutoUpdate: true, disableUpdateNag: true },
  // Its own list is not told over its protocol; Godel's tool takes its place.
  useWriteTodos: false,
  privacy: { usageStatisticsEnabled: false },
};

const TOOLS = {
  read: ['read_file', 'read_many_files', 'list_directory', 'glob', 'search_file_content', 'grep_search'],
  edit: ['replace', 'write_file'],
  shell: ['run_shell_command'],
  web: ['google_web_search', 'web_fetch'],
};

/** Gemini's settings.json. Pure. */
export function geminiSettings(spec: PrepareSpec): object {
  const exclude = deniedTools(TOOLS, spec.tools);
  // A question to a person may wait over night.
  const godel = { command: spec.mcpCommand, args: [], trust: true, timeout: 86_400_000 };
  return { ...SETTINGS, mcpServers: { godel }, ...(exclude.length > 0 ? { tools: { exclude } } : {}) };
}

export function createGeminiRuntime(options: GeminiRuntimeOptions): Runtime {
  const program = createProgram({
    name: 'gemini',
    install: 'npm install -g @google/gemini-cli',
    oldest: '0.50.0',
    path: options.path,
  });

  async function prepare(spec: PrepareSpec): Promise<Prepared> {
    const home = join(spec.home, 'gemini');
    const folder = join(home, '.gemini');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'settings.json'), `${JSON.stringify(geminiSettings(spec), null, 2)}\n`, {
      mode: 0o600,
    });
    await writeFile(join(folder, 'GEMINI.md'), `${spec.instructions}\n`, { mode: 0o600 });
    const argv = [program.file(), '--acp', '--model', modelOf(spec), '--approval-mode', MODES[spec.permission]];
    return {
      argv: await hostCommand(options, spec, { driver: 'acp', argv, authMethod: 'gemini-api-key' }),
      env: {
        GEMINI_CLI_HOME: home,
        GEMINI_API_KEY: spec.virtualKey,
        GOOGLE_GEMINI_BASE_URL: spec.proxyUrl,
      },
    };
  }

  return {
    id: 'gemini',
    summary: 'Gemini CLI',
    delivery: 'bridge',
    modes: ['headless'],
    dialects: ['google'],
    history: geminiHistory,
    enforces: ['read', 'edit', 'shell', 'web'],
    instructions: 'system',
    probe: program.probe,
    prepare,
  };
}

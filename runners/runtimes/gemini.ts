/** Gemini CLI as an agent, in its pane or over ACP: a private home, and Google's dialect from the proxy. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  deniedTools,
  type Prepared,
  type PrepareSpec,
  type Runtime,
  SESSION_ID_FILE,
} from '../../src/agents/runtime.ts';
import { geminiHistory } from './history/gemini.ts';
import { geminiHooks } from './hook-settings.ts';
import { settleSessionId } from './host/session-id.ts';
import { createProgram } from './program.ts';
import { type HostFiles, hostCommand, modelOf } from './protocol-host.ts';

export interface GeminiRuntimeOptions extends HostFiles {
  /** The bundled hook client, dist/agent-hook.js. */
  hookFile: string;
  path: () => string;
}

const MODES = { ask: 'default', edits: 'auto_edit', all: 'yolo' } as const;

const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  general: {
    disableAutoUpdate: true,
    disableUpdateNag: true,
    // It would remove a conversation that is a month old, and any that shares its name with an empty one.
    sessionRetention: { enabled: false },
  },
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

/** File of the conversation of an earlier life, with its name; the program names a new one itself. */
async function earlier({ home, sessionId }: PrepareSpec): Promise<{ id: string; file: string } | undefined> {
  const id = settleSessionId(join(home, SESSION_ID_FILE), sessionId);
  const file = id === undefined ? undefined : await geminiHistory.find({ home, sessionId: id });
  return id === undefined || file === undefined ? undefined : { id, file };
}

const KEPT = '-kept-';

/**
 * Before it loads a conversation over its protocol it begins a file for it, named by the minute and the id: in the minute of the
 * first life that would be the file of the conversation itself, and empty it.
 */
async function keepApart(file: string): Promise<void> {
  const kept = basename(file).replace(/-(\w+\.jsonl)$/, `${KEPT}$1`);
  if (!file.includes(KEPT)) await rename(file, join(dirname(file), kept));
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
    const face = spec.mode === 'pane';
    const settings = { ...geminiSettings(spec), ...(face ? geminiHooks(options) : {}) };
    await writeFile(join(folder, 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'GEMINI.md'), `${spec.instructions}\n`, { mode: 0o600 });
    const common = ['--model', modelOf(spec), '--approval-mode', MODES[spec.permission]];
    const before = await earlier(spec);
    if (before && !face) await keepApart(before.file);
    const shown = face ? (before ? ['--resume', before.id] : []) : ['--acp'];
    const argv = [program.file(), ...shown, ...common];
    return {
      argv: await hostCommand(options, spec, {
        driver: face ? 'gemini' : 'acp',
        argv,
        face,
        authMethod: 'gemini-api-key',
      }),
      env: {
        GEMINI_CLI_HOME: home,
        GEMINI_API_KEY: spec.virtualKey,
        GOOGLE_GEMINI_BASE_URL: spec.proxyUrl,
        // It would start itself a second time with more memory, and the two do not end together.
        GEMINI_CLI_NO_RELAUNCH: 'true',
        COLORTERM: 'truecolor',
      },
    };
  }

  return {
    id: 'gemini',
    summary: 'Gemini CLI',
    delivery: 'bridge',
    modes: ['pane', 'headless'],
    dialects: ['google'],
    history: geminiHistory,
    enforces: ['read', 'edit', 'shell', 'web'],
    instructions: 'system',
    probe: program.probe,
    prepare,
  };
}

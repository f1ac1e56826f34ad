/** Pi as an agent: a private home with provider, model and trust, and Godel's extension. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  deniedTools,
  type ModelChoice,
  type Prepared,
  type PrepareSpec,
  type Runtime,
} from '../../src/agents/runtime.ts';
import { messageOf } from '../../src/base/error.ts';
import { piHistory } from './history/pi.ts';
import { type HostFiles, hostCommand } from './protocol-host.ts';

export interface PiRuntimeOptions extends HostFiles {
  /** The bundled extension, dist/pi-extension.js. */
  extensionFile: string;
}

const PACKAGE = '@earendil-works/pi-coding-agent';
const PROVIDER = 'godel';
const DEFAULT_CONTEXT = 200_000;
const DEFAULT_OUTPUT = 32_000;

interface Installed {
  cli: string;
  version: string;
}

/** Finds the package beside this program; its exports do not show package.json, so folders are searched. */
async function findPi(from: string): Promise<Installed> {
  for (const folder of createRequire(from).resolve.paths(PACKAGE) ?? []) {
    const root = join(folder, PACKAGE);
    if (!existsSync(join(root, 'package.json'))) continue;
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      version: string;
      bin: { pi: string };
    };
    return { cli: join(root, manifest.bin.pi), version: manifest.version };
  }
  throw new Error(`${PACKAGE} is not installed beside godel`);
}

const API: Readonly<Record<string, string>> = {
  anthropic: 'anthropic-messages',
  'openai-chat': 'openai-completions',
  'openai-responses': 'openai-responses',
};

/** Pi's models.json: one provider, the proxy. The key is named, never written. Pure. */
export function modelsFile(choice: ModelChoice, proxyUrl: string): object {
  const anthropic = choice.dialect === 'anthropic';
  return {
    providers: {
      [PROVIDER]: {
        baseUrl: anthropic ? proxyUrl : `${proxyUrl}/v1`,
        api: API[choice.dialect],
        apiKey: '$GODEL_PROXY_KEY',
        models: [
          {
            id: `${choice.provider}/${choice.model}`,
            name: choice.model,
            input: ['text', 'image'],
            contextWindow: choice.contextWindow ?? DEFAULT_CONTEXT,
            maxTokens: choice.maxTokens ?? DEFAULT_OUTPUT,
          },
        ],
      },
    },
  };
}

function settingsFile(choice: ModelChoice): object {
  return {
    defaultProvider: PROVIDER,
    defaultModel: `${choice.provider}/${choice.model}`,
    defaultProjectTrust: 'always',
    quietStartup: true,
    collapseChangelog: true,
    enableInstallTelemetry: false,
    enableAnalytics: false,
  };
}

/** Pi has no tool for the web. */
const TOOLS = { read: ['read', 'grep', 'find', 'ls'], edit: ['edit', 'write'], shell: ['bash', 'powershell'] };

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}

export function createPiRuntime(options: PiRuntimeOptions): Runtime {
  let found: Promise<Installed> | undefined;
  const installed = () => {
    found ??= findPi(options.extensionFile);
    found.catch(() => {
      found = undefined;
    });
    return found;
  };

  async function prepare(spec: PrepareSpec): Promise<Prepared> {
    if (!spec.choice) throw new Error('Pi needs a model');
    const { cli, version } = await installed();
    const home = join(spec.home, 'pi');
    await mkdir(home, { recursive: true, mode: 0o700 });
    await writeJson(join(home, 'models.json'), modelsFile(spec.choice, spec.proxyUrl));
    await writeJson(join(home, 'settings.json'), { ...settingsFile(spec.choice), lastChangelogVersion: version });
    await writeFile(join(home, 'APPEND_SYSTEM.md'), `${spec.instructions}\n`, { mode: 0o600 });
    const sessionFile = spec.sessionFile ?? join(home, 'sessions', `${spec.agentId}.jsonl`);
    await mkdir(dirname(sessionFile), { recursive: true, mode: 0o700 });
    const denied = deniedTools(TOOLS, spec.tools);
    const without = denied.length > 0 ? ['--exclude-tools', denied.join(',')] : [];
    const own = ['--session', sessionFile, '--name', spec.agentName, '-e', options.extensionFile];
    const common = [options.nodePath, cli, ...own, ...without];
    const isShell = spec.tools === undefined || spec.tools.includes('shell');
    const rpc = [...common, '--mode', 'rpc'];
    return {
      argv: spec.mode === 'protocol' ? await hostCommand(options, spec, { driver: 'pi', argv: rpc }) : common,
      env: {
        PI_CODING_AGENT_DIR: home,
        PI_OFFLINE: '1',
        PI_TELEMETRY: '0',
        PI_SKIP_VERSION_CHECK: '1',
        // Pi knows no servers of tools; where it has no shell, the command is a tool of its own.
        ...(isShell ? {} : { GODEL_PI_TOOL: '1' }),
        ...(spec.mode === 'protocol' ? { GODEL_PI_BRIDGE: '0' } : {}),
      },
      sessionFile,
    };
  }

  return {
    id: 'pi',
    summary: 'Pi coding agent, installed with Godel',
    delivery: 'bridge',
    modes: ['pane', 'headless'],
    compacts: ['pane', 'headless'],
    dialects: ['anthropic', 'openai-chat', 'openai-responses'],
    enforces: ['read', 'edit', 'shell', 'web'],
    instructions: 'system',
    history: piHistory,
    async probe() {
      try {
        const { cli, version } = await installed();
        if (!existsSync(options.extensionFile))
          return { ok: false, problem: `${options.extensionFile} is missing; build Godel again` };
        return { ok: true, version, path: cli };
      } catch (error) {
        return { ok: false, problem: messageOf(error) };
      }
    },
    prepare,
  };
}

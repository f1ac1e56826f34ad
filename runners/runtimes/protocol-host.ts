/** Writes what the protocol host needs beside the agent, and gives the command that starts it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PrepareSpec, SESSION_ID_FILE } from '../../src/agents/runtime.ts';
import type { HostConfig } from './host/driver.ts';

export interface HostFiles {
  /** The bundled host, dist/agent-host.js. */
  hostFile: string;
  nodePath: string;
}

type Given = Pick<HostConfig, 'driver' | 'argv'> &
  Partial<Pick<HostConfig, 'authMethod' | 'sessionId' | 'face' | 'mcpCommand' | 'compactCommand'>>;

/** The model as the proxy knows it: `provider/model`. */
export function modelOf(spec: PrepareSpec): string {
  if (!spec.choice) throw new Error('this runtime needs a model');
  return `${spec.choice.provider}/${spec.choice.model}`;
}

export async function hostCommand(files: HostFiles, spec: PrepareSpec, given: Given): Promise<string[]> {
  const config: HostConfig = {
    ...given,
    cwd: spec.cwd,
    agentName: spec.agentName,
    instructions: spec.instructions,
    model: spec.choice ? modelOf(spec) : '',
    sessionIdFile: join(spec.home, SESSION_ID_FILE),
    permission: spec.permission,
    ...(spec.sessionFile === undefined ? {} : { conversationFile: spec.sessionFile }),
  };
  const file = join(spec.home, 'host.json');
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return [files.nodePath, files.hostFile, file];
}

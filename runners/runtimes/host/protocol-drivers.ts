/** Drivers of the protocols that programs without a face of their own speak; that of Gemini CLI and opencode is ACP. */
import { createAcpDriver } from './acp.ts';
import { createClaudeDriver } from './claude.ts';
import { createCodexDriver } from './codex.ts';
import type { Driver, DriverSink, HostConfig } from './driver.ts';
import type { SpawnJsonLines } from './json-lines.ts';
import { createPiDriver } from './pi.ts';

type CreateDriver = (
  config: HostConfig,
  env: NodeJS.ProcessEnv,
  sink: DriverSink,
  spawnLines?: SpawnJsonLines,
) => Driver;

const DRIVERS: Readonly<Partial<Record<HostConfig['driver'], CreateDriver>>> = {
  claude: createClaudeDriver,
  codex: createCodexDriver,
  acp: createAcpDriver,
  pi: createPiDriver,
};

/** `spawnLines` starts the program, or gives what stands for it. */
export const createProtocolDriver: CreateDriver = (config, env, sink, spawnLines) => {
  const create = DRIVERS[config.driver];
  if (!create) throw new Error(`${config.driver} is no driver of a protocol`);
  return create(config, env, sink, spawnLines);
};

/** Entry of the host: it stands in the pane as the parent of a program, speaks with it, and with the daemon. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../src/base/error.ts';
import { openBridgeLink } from '../bridge-link.ts';
import { hookSocketOf } from '../hook-settings.ts';
import { openPromptRecord } from '../prompt-record.ts';
import type { Driver, DriverSink, HostConfig } from './driver.ts';
import { createFaceDriver } from './face.ts';
import { FACES } from './face-program.ts';
import { createHost, type Host } from './host.ts';
import { createOpencodeDriver } from './opencode.ts';
import { createProtocolDriver } from './protocol-drivers.ts';
import { type Keys, passInput, spawnTerminal } from './terminal.ts';
import { createTranscript, silentTranscript } from './transcript.ts';

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the host is started by Godel`);
  return value;
}

function driverOf(config: HostConfig, agentId: string, sink: DriverSink, keys?: Keys): Driver {
  if (config.driver === 'opencode')
    return createOpencodeDriver({ config, env: process.env, sink, terminal: spawnTerminal });
  const program = config.face ? FACES[config.driver] : undefined;
  if (!program) return createProtocolDriver(config, process.env, sink);
  return createFaceDriver({
    config,
    program,
    env: process.env,
    sink,
    socketFile: hookSocketOf(need('GODEL_BRIDGE_SOCKET'), agentId),
    terminal: spawnTerminal,
    ...(keys ? { keys } : {}),
  });
}

/** Lines typed under a transcript are prompts or answers. */
function readLines(host: Host): void {
  let rest = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) host.typed(line);
  });
}

async function main(): Promise<void> {
  const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as HostConfig;
  const agentId = need('GODEL_AGENT_ID');
  const transcript = config.face ? silentTranscript : createTranscript((text) => process.stdout.write(text));
  const keys = config.face ? passInput() : undefined;
  const host = createHost({
    config,
    transcript,
    record: openPromptRecord(join(need('GODEL_AGENT_HOME'), 'delivered.txt')),
    link: (inputs) =>
      openBridgeLink({
        socketFile: need('GODEL_BRIDGE_SOCKET'),
        agentId,
        generation: Number(need('GODEL_GENERATION')),
        token: need('GODEL_TOKEN'),
        source: config.face && config.driver !== 'opencode' ? 'hook' : 'protocol',
        onPrompt: inputs.onPrompt,
        onInterrupt: inputs.onInterrupt,
        onCompact: inputs.onCompact,
        onAnswer: ({ askId, choice, text }) => inputs.onAnswer(askId, text ?? choice ?? ''),
      }),
    driver: (sink) => driverOf(config, agentId, sink, keys),
    // A moment for the last words on their way to the daemon.
    onEnd: (code) => setTimeout(() => process.exit(code), 100),
  });
  // A terminal that went away refuses what is written; the program is still to be ended.
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void host.stop());
  if (config.face) process.on('SIGINT', () => {});
  else process.on('SIGINT', () => host.interrupt());
  if (!config.face) readLines(host);
  transcript.title(`${config.agentName}: ${config.driver}, ${config.model}`);
  await host.open().catch(async (error: unknown) => {
    process.stderr.write(`The program could not be started: ${messageOf(error)}\n`);
    await host.stop();
    process.exit(1);
  });
}

await main();

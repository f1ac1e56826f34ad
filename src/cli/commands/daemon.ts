/** `godel daemon …`: the process itself, which cannot be an operation of its own API. */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { type HomePaths, homePaths } from '../../base/paths.ts';
import { isRunning } from '../../base/process.ts';
import { failure } from '../../errors.ts';
import { type CliContext, globalFlags } from '../context.ts';
import {
  comesBack,
  connectDaemon,
  daemonCommand,
  isAnswering,
  noteStop,
  readRecord,
  startDaemonProcess,
} from '../daemon-control.ts';
import { printResult } from '../output.ts';

const STOP_MS = 25_000;
const POLL_MS = 25;

/** Asks the daemon to stop and waits until its process is gone; false when none was running. */
async function stopDaemon(paths: HomePaths): Promise<boolean> {
  if (!readRecord(paths)) return false;
  noteStop(paths);
  // One that was killed a moment ago may be on its way back.
  if (!(await isAnswering(paths)) && !(await comesBack(paths))) return false;
  const record = readRecord(paths);
  if (!record) return false;
  process.kill(record.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_MS;
  while (isRunning(record.pid)) {
    if (Date.now() > deadline) throw failure('daemon-unreachable', { problem: `process ${record.pid} does not stop` });
    await delay(POLL_MS);
  }
  return true;
}

async function proxyToo(paths: HomePaths): Promise<void> {
  const { exchange } = await import('../../client/http.ts');
  if (!existsSync(paths.proxySocketFile)) return;
  const stop = {
    method: 'POST',
    path: '/admin/stop',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    timeoutMs: 15_000,
  };
  await exchange({ socketPath: paths.proxySocketFile }, stop).catch(() => undefined);
}

async function showLogs(paths: HomePaths, lines: number, follow: boolean, out: (text: string) => void): Promise<void> {
  const file = join(paths.logDir, 'daemon.log');
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size > 0) {
    const handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(Math.min(size, 1024 * 1024)),
      position: Math.max(0, size - 1024 * 1024),
    });
    await handle.close();
    const text = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lines).join('\n');
    out(text === '' ? '' : `${text}\n`);
  }
  for (let position = size; follow; ) {
    await delay(250);
    const now = (await stat(file).catch(() => undefined))?.size ?? 0;
    if (now <= position) continue;
    for await (const chunk of createReadStream(file, { start: position, end: now - 1 })) out(String(chunk));
    position = now;
  }
}

function runInForeground(context: CliContext): Promise<number> {
  const [program, ...args] = daemonCommand();
  const child = spawn(program, [...args, '--foreground'], {
    stdio: 'inherit',
    env: { ...context.env } as NodeJS.ProcessEnv,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

export function addDaemon(program: Command, context: CliContext): void {
  const daemon = program
    .command('daemon')
    .summary('Start, stop and look at the daemon')
    .description('Start, stop and look at the daemon');
  const { out } = context.streams;
  const paths = () => homePaths(context.env);
  const sub = (name: string, summary: string) =>
    daemon
      .command(name)
      .summary(summary)
      .description(summary)
      .option('--json', 'print one JSON value')
      .option('--debug', 'print the stack of errors');

  sub(
    'start',
    'Start the daemon in the background; killed or crashed it starts again by itself, unless GODEL_KEEPER is off',
  ).action(async (_options, command: Command) => {
    const running = await isAnswering(paths());
    if (!running) await startDaemonProcess(paths(), context.env);
    const record = readRecord(paths());
    const text = () =>
      `${running ? 'Already running' : 'Started'}: daemon ${record?.pid} on http://127.0.0.1:${record?.port}`;
    printResult(context.streams, { started: !running, ...record }, text, globalFlags(command).json);
  });
  sub('stop', 'Stop the daemon; agents and their panes go on')
    .option('--all', 'stop the proxy as well')
    .action(async (options: { all?: boolean }, command: Command) => {
      const stopped = await stopDaemon(paths());
      if (options.all) await proxyToo(paths());
      printResult(
        context.streams,
        { stopped },
        () => (stopped ? 'Stopped' : 'It was not running'),
        globalFlags(command).json,
      );
    });
  sub('restart', 'Stop and start the daemon; agents and their panes go on').action(
    async (_options, command: Command) => {
      await stopDaemon(paths());
      await startDaemonProcess(paths(), context.env);
      const record = readRecord(paths());
      printResult(
        context.streams,
        { started: true, ...record },
        () => `Restarted: daemon ${record?.pid} on http://127.0.0.1:${record?.port}`,
        globalFlags(command).json,
      );
    },
  );
  sub('status', 'Show whether the daemon runs, and the health of its parts').action(
    async (_options, command: Command) => {
      const flags = globalFlags(command);
      const client = await connectDaemon({ env: context.env, cwd: context.cwd, start: false, checkVersion: false });
      const { operations } = await import('../../operations.ts');
      printResult(
        context.streams,
        await client.call('systemStatus', {}),
        operations.systemStatus.text as (data: never) => string,
        flags.json,
      );
    },
  );
  sub('logs', 'Show the log of the daemon')
    .option('--lines <n>', 'how many lines', '100')
    .option('--follow', 'go on as lines come')
    .action((options: { lines: string; follow?: boolean }) =>
      showLogs(paths(), Number(options.lines) || 100, options.follow ?? false, out),
    );
  sub('run', 'Run the daemon in the foreground, for servers').action(async () =>
    context.exit(await runInForeground(context)),
  );
}

/** Handing the terminal to another program. */
import { spawn } from 'node:child_process';

/** An inherited TMUX would make a nested client talk to the wrong server; CI makes ink draw nothing. */
function terminalEnvironment(env: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const { TMUX: _tmux, TMUX_PANE: _pane, CI: _ci, ...rest } = env;
  return rest as NodeJS.ProcessEnv;
}

/** Runs a program on this terminal and resolves with its exit code. */
export function handOver(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: 'inherit', env: terminalEnvironment(env) });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

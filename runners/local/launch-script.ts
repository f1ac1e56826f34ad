/** The script a pane runs: a clean environment and then the program itself. Secrets are in this 0600 file only. Pure. */

import { shellQuote } from '../../src/base/shell.ts';

/**
 * A path as the argument of printf between single quotes, everything unusual as an octal escape: tmux reads the
 * command of pipe-pane as a format and as a time, so that `#` and `%` in a plain path would be replaced.
 */
export function printfText(path: string): string {
  const plain = (byte: number) => /[A-Za-z0-9/._-]/.test(String.fromCharCode(byte));
  return [...Buffer.from(path)]
    .map((byte) => (plain(byte) ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`))
    .join('');
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface ScriptSpec {
  cwd: string;
  /** Receives the exit code, for when tmux does not tell it. */
  exitFile: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Files of control groups that the script enters first, so that everything it starts is held to their caps. */
  enter?: readonly string[];
  /** Most private memory (KiB) of each process. */
  dataKb?: number | undefined;
}

/**
 * A POSIX script that exports exactly `env`, runs `argv` and ends with its exit code. It is run by `env -i`, so nothing else is inherited;
 * values never appear in an argument list that other users can read.
 */
export function launchScript(spec: ScriptSpec): string {
  const exports = Object.entries(spec.env)
    .filter(([name]) => NAME.test(name) && name !== 'TMUX' && name !== 'TMUX_PANE')
    .map(([name, value]) => `export ${name}=${shellQuote(value.replaceAll('\0', ''))}`);
  const entered = (spec.enter ?? []).map(
    (file) => `echo $$ > ${shellQuote(file)} || echo 'godel: its control group cannot be entered' >&2`,
  );
  return [
    ...entered,
    ...(spec.dataKb === undefined ? [] : [`ulimit -d ${spec.dataKb}`]),
    ...exports,
    'unset PWD OLDPWD',
    `cd ${shellQuote(spec.cwd)} || exit 126`,
    // The shell stays as the parent of the program: what tmux itself started could not be paused.
    'trap : INT QUIT',
    spec.argv.map(shellQuote).join(' '),
    'code=$?',
    `echo "$code" > ${shellQuote(spec.exitFile)}`,
    'exit "$code"',
    '',
  ].join('\n');
}

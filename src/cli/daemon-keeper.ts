/**
 * What starts the daemon again when it is killed or crashes, with the keys it was given: a shell that waits and costs nothing
 * meanwhile. It ends with a daemon that was stopped, or that refuses to start. Pure.
 */

import { EXIT_CRASHED } from '../base/process.ts';

/** A life of more than a minute counts as a good one; after six short ones in a row the next command has to start it. */
const SCRIPT = `keys=$(cat)
stopped=$1
shift
lives=0
short=0
while :; do
  began=$(date +%s)
  printf %s "$keys" | GODEL_KEPT=$lives "$@"
  code=$?
  case $code in 130 | 143) exit 0 ;; esac
  [ "$code" -gt 128 ] || [ "$code" -eq ${EXIT_CRASHED} ] || exit "$code"
  [ $(($(date +%s) - began)) -le 60 ] || short=0
  short=$((short + 1))
  [ "$short" -le 6 ] || exit "$code"
  sleep "$short"
  [ ! -e "$stopped" ] || exit 0
  lives=$((lives + 1))
done`;

/** What it is called in the list of processes. */
export const KEEPER_NAME = 'godel-daemon';

export interface KeptProgram {
  command: readonly string[];
  /** While this file is there the daemon is not started again. */
  stopFile: string;
}

/** The command that keeps a daemon; keys on its standard input go to each of its lives in the same way. */
export function keeperCommand({ command, stopFile }: KeptProgram): [string, ...string[]] {
  return ['/bin/sh', '-c', SCRIPT, KEEPER_NAME, stopFile, ...command];
}

/** What commands print: data on standard output, talk on standard error, errors in two lines. */
import { GodelError, messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';

export interface Streams {
  out: (text: string) => void;
  err: (text: string) => void;
}

export const processStreams: Streams = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** A reader that closes early (`| head`) is not an error. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
    });
  }
}

export function printResult(
  streams: Streams,
  data: unknown,
  text: ((data: never) => string) | undefined,
  json: boolean,
): void {
  const shown = json || !text ? JSON.stringify(data, null, 2) : text(data as never);
  streams.out(shown.endsWith('\n') ? shown : `${shown}\n`);
}

/** Prints what was refused and what helps; returns the exit code. */
export function printError(streams: Streams, thrown: unknown, options: { json: boolean; debug: boolean }): number {
  const error = thrown instanceof GodelError ? thrown : failure('internal', { problem: messageOf(thrown) }, thrown);
  if (options.json) {
    const { kind: code, message, reason, hint, params } = error;
    streams.err(
      `${JSON.stringify({ success: false, error: { code, message, details: { ...params, reason, hint } } })}\n`,
    );
  } else {
    const output = typeof error.params.output === 'string' ? `${error.params.output.trimEnd()}\n` : '';
    streams.err(`${output}godel: ${error.message}\n${error.hint}\n`);
  }
  if (options.debug) streams.err(`${thrown instanceof Error ? (thrown.stack ?? '') : ''}\n`);
  return error.exitCode;
}

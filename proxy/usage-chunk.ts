/**
 * OpenAI streams tell their usage only when asked. Godel asks, and takes the extra chunk out again when the client did not
 * ask, so that what the client reads is byte for byte what it would have been.
 */
import type { RequestFields } from './scan.ts';
import { splice } from './scan.ts';

/** The body with usage asked for, and whether the client had asked itself. */
export function askForUsage(body: Buffer, fields: RequestFields): { body: Buffer; asked: boolean } {
  const { streamOptions } = fields;
  if (!streamOptions) {
    const brace = body.indexOf(123) + 1;
    const insert = '"stream_options":{"include_usage":true},';
    return { body: Buffer.concat([body.subarray(0, brace), Buffer.from(insert), body.subarray(brace)]), asked: false };
  }
  const options = JSON.parse(body.toString('utf8', streamOptions.start, streamOptions.end)) as Record<
    string,
    unknown
  > | null;
  if (options?.include_usage === true) return { body, asked: true };
  return { body: splice(body, streamOptions, JSON.stringify({ ...options, include_usage: true })), asked: false };
}

function isUsageOnly(event: string): boolean {
  if (!event.includes('"usage"') || !event.includes('"choices"')) return false;
  const data = /^data:\s*(\{.*\})\s*$/m.exec(event)?.[1];
  if (data === undefined) return false;
  try {
    const document = JSON.parse(data) as { choices?: unknown[]; usage?: unknown };
    return Array.isArray(document.choices) && document.choices.length === 0 && Boolean(document.usage);
  } catch {
    return false;
  }
}

/** Passes events on as they are, but for the one that holds only the usage. */
export function createUsageFilter(): { push(chunk: Buffer): Buffer; finish(): Buffer } {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const kept: Buffer[] = [];
      let from = 0;
      for (let end = bytes.indexOf('\n\n', from); end >= 0; end = bytes.indexOf('\n\n', from)) {
        const event = bytes.subarray(from, end + 2);
        if (!isUsageOnly(event.toString('utf8'))) kept.push(event);
        from = end + 2;
      }
      rest = bytes.subarray(from);
      return Buffer.concat(kept);
    },
    finish: () => rest,
  };
}

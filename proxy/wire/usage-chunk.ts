/**
 * OpenAI streams tell their usage only when asked. Godel asks, and takes the extra chunk out again when the client did not
 * ask, so that what the client reads is byte for byte what it would have been.
 */
import type { RequestFields } from './fields.ts';
import { splice } from './scan.ts';

export interface AskedBody {
  body: Buffer;
  /** True when the client had asked itself. */
  asked: boolean;
  /** Where the body was changed, and how many bytes longer it got there. */
  at: number;
  shift: number;
}

/** The body with usage asked for. */
export function askForUsage(body: Buffer, fields: Pick<RequestFields, 'streamOptions'>): AskedBody {
  const { streamOptions } = fields;
  if (!streamOptions) {
    const at = body.indexOf(123) + 1;
    const insert = '"stream_options":{"include_usage":true},';
    return { body: splice(body, { start: at, end: at }, insert), asked: false, at, shift: insert.length };
  }
  const options = JSON.parse(body.toString('utf8', streamOptions.start, streamOptions.end)) as Record<
    string,
    unknown
  > | null;
  if (options?.include_usage === true) return { body, asked: true, at: 0, shift: 0 };
  const sent = splice(body, streamOptions, JSON.stringify({ ...options, include_usage: true }));
  return { body: sent, asked: false, at: streamOptions.start, shift: sent.length - body.length };
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

/** No usage chunk is longer; a longer event passes as it comes. */
const MOST_HELD = 256 * 1024;
const NOTHING = Buffer.alloc(0);
const END = Buffer.from('\n\n');
const USAGE = Buffer.from('"usage"');

/** Passes events on as they are, but for the one that holds only the usage. */
export function createUsageFilter(): { push(chunk: Buffer): Buffer; finish(): Buffer } {
  let rest: Buffer = NOTHING;

  /** Bytes up to the last end of an event; most chunks hold no usage and pass whole. */
  function passed(events: Buffer): Buffer {
    if (!events.includes(USAGE)) return events;
    const kept: Buffer[] = [];
    let from = 0;
    for (let end = events.indexOf(END); end >= 0; end = events.indexOf(END, from)) {
      const event = events.subarray(from, end + 2);
      if (!isUsageOnly(event.toString('utf8'))) kept.push(event);
      from = end + 2;
    }
    return Buffer.concat(kept);
  }

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const last = bytes.lastIndexOf(END);
      const cut = last < 0 ? 0 : last + 2;
      rest = cut === bytes.length ? NOTHING : Buffer.from(bytes.subarray(cut));
      const events = cut === 0 ? NOTHING : passed(bytes.subarray(0, cut));
      if (rest.length <= MOST_HELD) return events;
      const long = rest;
      rest = NOTHING;
      return Buffer.concat([events, long]);
    },
    finish: () => rest,
  };
}

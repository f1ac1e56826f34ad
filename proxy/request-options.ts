/** What a client may ask of the routing of one request: in headers, or in the field `routing` of its body. Pure. */
import { type Fields, fieldOf } from './http/fields.ts';
import type { Field } from './wire/scan.ts';
import { object } from './wire/wire.ts';

export interface RequestOptions {
  fallback: boolean;
  /** Most that the request may cost, in nano-dollars. */
  costLimitNano: number | undefined;
}

const NANO = 1_000_000_000;
const COMMA = 44;
const NAME = '"routing"';

const nano = (value: unknown): number | undefined => {
  const usd = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof usd === 'number' && Number.isFinite(usd) && usd >= 0 ? Math.round(usd * NANO) : undefined;
};

const skipBack = (body: Buffer, at: number) => {
  let index = at;
  while (index > 0 && (body[index] as number) <= 32) index -= 1;
  return index;
};
const skipAhead = (body: Buffer, at: number) => {
  let index = at;
  while (index < body.length && (body[index] as number) <= 32) index += 1;
  return index;
};

/** The body without the member whose value is at `field`: providers refuse what they do not know. */
function without(body: Buffer, field: { start: number; end: number }): Buffer {
  let from = body.lastIndexOf(NAME, field.start);
  let to = skipAhead(body, field.end);
  if (body[to] === COMMA) to += 1;
  else {
    const before = skipBack(body, from - 1);
    if (body[before] === COMMA) from = before;
  }
  return Buffer.concat([body.subarray(0, from), body.subarray(to)]);
}

/** `field`: where the body says it. */
export function readOptions(
  fields: Readonly<Fields>,
  body: Buffer,
  field: Field | undefined,
): { options: RequestOptions; body: Buffer } {
  const options: RequestOptions = {
    fallback: !/^(off|no|false|0)$/i.test(fieldOf(fields, 'x-godel-fallback') ?? ''),
    costLimitNano: nano(fieldOf(fields, 'x-godel-cost-limit')),
  };
  if (!field) return { options, body };
  const wanted = object(JSON.parse(body.toString('utf8', field.start, field.end)));
  if (wanted.fallback_allowed === false) options.fallback = false;
  options.costLimitNano ??= nano(wanted.cost_limit);
  return { options, body: without(body, field) };
}

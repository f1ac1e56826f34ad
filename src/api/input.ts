/** From what came over the wire to the input of an operation, with refusals a person understands. Pure. */
import { z } from 'zod';
import type { AnyOperation } from '../base/operation.ts';
import { failure } from '../errors.ts';

type Fields = Record<string, unknown>;

function isArrayField(schema: z.ZodType | undefined): boolean {
  let inner: unknown = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable)
    inner = inner.unwrap();
  return inner instanceof z.ZodArray;
}

/** Query values are text; a field that is a list takes one value as a list of one. */
export function fromQuery(operation: AnyOperation, query: Fields): Fields {
  const shape = operation.input.shape as Record<string, z.ZodType>;
  const entries = Object.entries(query).map(([key, value]) => [
    key,
    isArrayField(shape[key]) && !Array.isArray(value) ? [value] : value,
  ]);
  return Object.fromEntries(entries) as Fields;
}

/** One problem in one line: `title: too long …`. */
export function problemText(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return 'The input is not usable.';
  if (issue.code === 'unrecognized_keys') return `There is no field "${issue.keys.join('", "')}".`;
  const field = issue.path.join('.');
  const received =
    issue.input === undefined && issue.code === 'invalid_type'
      ? 'is missing'
      : issue.message.replace(/^Invalid input: /, '');
  return field === '' ? `${received}.` : `${field}: ${received}.`;
}

/** Made once: zod compiles a schema the first time it parses. */
const strictInputs = new WeakMap<AnyOperation, z.ZodType>();

function strictInput(operation: AnyOperation): z.ZodType {
  const known = strictInputs.get(operation);
  if (known) return known;
  const made = operation.input.strict();
  strictInputs.set(operation, made);
  return made;
}

/**
 * Parses input strictly: a field the operation does not know is refused, as it would otherwise be silently ignored.
 * @throws GodelError bad-input
 */
export function parseInput(operation: AnyOperation, fields: Fields): Fields {
  const result = strictInput(operation).safeParse(fields, { reportInput: true });
  if (result.success) return result.data as Fields;
  throw failure('bad-input', {
    problem: problemText(result.error as z.ZodError),
    operation: operation.name,
    issues: (result.error as z.ZodError).issues.map((issue) => ({
      path: issue.path.join('.'),
      message: issue.message,
    })),
  });
}

/** Input schemas -> command-line flags and arguments. Pure. */
import { Argument, Option } from 'commander';
import { z } from 'zod';
import type { AnyOperation } from '../base/operation.ts';

export interface FieldSpec {
  name: string;
  /** Flag in kebab case, without the dashes. */
  flag: string;
  description: string;
  /** `file` takes a path, or - for standard input, and sends the text. */
  kind: 'text' | 'list' | 'boolean' | 'json' | 'file';
  choices?: readonly string[];
  required: boolean;
  defaultValue?: unknown;
  /** Never a flag: it is read from standard input. */
  secret?: boolean;
}

const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

interface Unwrapped {
  inner: z.ZodType;
  required: boolean;
  defaultValue?: unknown;
  description?: string | undefined;
}

function unwrap(schema: z.ZodType): Unwrapped {
  let inner = schema;
  const result: Unwrapped = { inner, required: true, description: schema.description };
  for (;;) {
    if (inner instanceof z.ZodDefault) {
      result.required = false;
      result.defaultValue = inner.def.defaultValue;
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodOptional) {
      result.required = false;
      inner = inner.unwrap() as z.ZodType;
    } else break;
    result.description ??= inner.description;
  }
  return { ...result, inner };
}

function kindOf(schema: z.ZodType): FieldSpec['kind'] {
  if (schema.meta()?.file === true) return 'file';
  if (schema instanceof z.ZodArray) return 'list';
  if (schema instanceof z.ZodRecord) return 'json';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodUnion && schema.options.some((option) => option instanceof z.ZodBoolean)) return 'boolean';
  return 'text';
}

export function fieldsOf(operation: AnyOperation): FieldSpec[] {
  return Object.entries(operation.input.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const { inner, required, defaultValue, description } = unwrap(schema);
    return {
      name,
      // A list is given one at a time: --label a --label b.
      flag: kindOf(inner) === 'list' ? kebab(name).replace(/s$/, '') : kebab(name),
      description: description ?? '',
      kind: kindOf(inner),
      required,
      ...(inner.meta()?.secret === true || schema.meta()?.secret === true ? { secret: true } : {}),
      ...(inner instanceof z.ZodEnum ? { choices: inner.options as string[] } : {}),
      ...(defaultValue === undefined ? {} : { defaultValue }),
    };
  });
}

function isShown(value: unknown): boolean {
  if (value === undefined || value === false || value === '') return false;
  return typeof value !== 'object' || (Array.isArray(value) && value.length > 0);
}

/** A flag; the daemon fills in defaults, the text only shows them. */
export function toOption(field: FieldSpec): Option {
  const value =
    field.kind === 'boolean' ? '' : field.kind === 'json' ? ' <json>' : field.kind === 'file' ? ' <file>' : ' <value>';
  const shown = isShown(field.defaultValue)
    ? `${field.description} (default: ${JSON.stringify(field.defaultValue)})`.trim()
    : field.description;
  const option = new Option(`--${field.flag}${value}`, shown);
  if (field.choices) option.choices(field.choices);
  if (field.kind === 'list')
    option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  if (field.required) option.makeOptionMandatory();
  return option;
}

export function toArgument(field: FieldSpec): Argument {
  const name = field.kind === 'list' ? `${field.name}...` : field.kind === 'file' ? 'file' : field.name;
  const argument = new Argument(field.required ? `<${name}>` : `[${name}]`, field.description);
  if (field.choices) argument.choices(field.choices);
  return argument;
}

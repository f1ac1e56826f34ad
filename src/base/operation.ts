/**
 * An operation is one thing Godel can be asked to do, declared once. REST routes, OpenAPI, CLI
 * commands, the typed client, man pages and key bindings all derive from this value.
 */
import type { z } from 'zod';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Operation<I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> {
  /** Noun and verb as typed in the CLI, for example `bead create`. */
  readonly name: string;
  /** Further CLI words for the same operation, for example `done` for `bead done`. */
  readonly aliases?: readonly string[];
  /** Path below `/api/v1`; `:field` segments are filled from input fields of that name. */
  readonly http: {
    readonly method: HttpMethod;
    readonly path: string;
    readonly status?: number;
    /** Largest body; 4 MB when not given. */
    readonly maxBytes?: number;
  };
  readonly summary: string;
  readonly description?: string;
  readonly input: I;
  readonly output: O;
  /** `resource:action`, the unit of the permission matrix. */
  readonly permission: `${string}:${string}`;
  /** Input fields taken as positional CLI arguments, in order; an array field takes the rest. */
  readonly args?: readonly string[];
  /** `project` operations run inside one repository; `home` operations need none. */
  readonly scope: 'project' | 'home';
  readonly examples: readonly string[];
  /** Plain-text form of the output for a person; JSON is printed when it is absent. */
  readonly text?: (output: z.output<O>) => string;
}

/** Declares an operation; its type keeps the exact input and output schemas. */
export function operation<I extends z.ZodObject, O extends z.ZodType>(declaration: Operation<I, O>): Operation<I, O> {
  return Object.freeze(declaration);
}

// biome-ignore lint/suspicious/noExplicitAny: a heterogeneous table of operations needs the wide form.
export type AnyOperation = Operation<any, any>;
export type OperationTable = Readonly<Record<string, AnyOperation>>;

/** What a caller may pass: defaults not yet filled in. */
export type InputOf<T extends AnyOperation> = z.input<T['input']>;
/** What a handler receives: parsed, defaults filled in. */
export type ParsedInputOf<T extends AnyOperation> = z.output<T['input']>;
export type OutputOf<T extends AnyOperation> = z.output<T['output']>;

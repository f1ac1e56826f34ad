/** What every handler is given beside its input. */
import type { AnyOperation, OperationTable, OutputOf, ParsedInputOf } from '../base/operation.ts';
import type { Actor } from './schema.ts';

export interface RequestContext {
  actor: Actor;
  /** Set for operations of scope `project`. */
  projectId: string;
  requestId: string;
  /** Aborted when the caller goes away. */
  signal: AbortSignal;
}

export type Handler<T extends AnyOperation> = (
  input: ParsedInputOf<T>,
  context: RequestContext,
) => Promise<OutputOf<T>>;

/** One handler per operation: a missing one does not compile. */
export type Handlers<T extends OperationTable> = { readonly [K in keyof T]: Handler<T[K]> };

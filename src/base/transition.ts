/** The one transition table of a noun: `status -> action -> next status`. */

export type TransitionTable<S extends string, A extends string> = Readonly<Record<S, Readonly<Partial<Record<A, S>>>>>;

/** The status that `action` leads to from `status`, or undefined when it is refused. */
export function nextStatus<S extends string, A extends string>(
  table: TransitionTable<S, A>,
  status: S,
  action: A,
): S | undefined {
  return table[status][action];
}

/** The actions allowed from `status`, in the order of the table. */
export function allowedActions<S extends string, A extends string>(table: TransitionTable<S, A>, status: S): A[] {
  return Object.keys(table[status]) as A[];
}

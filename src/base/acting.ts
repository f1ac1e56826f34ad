/** Who the work at hand is done for. It follows every await, so that events and the history in git can name them. */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Acting {
  id: string;
  name: string;
  /** Event that is taken back by this work. */
  undoes?: string;
  /** Names what is changed together, and is taken back together. */
  together?: string;
}

const scope = new AsyncLocalStorage<Acting | undefined>();

export const actingAs = <T>(acting: Acting, work: () => Promise<T>): Promise<T> => scope.run(acting, work);

/** `work` that somebody else may run later: it is done for whoever asks for it here. */
export function asAsked<Input, Output>(work: (input: Input) => Output): (input: Input) => Output {
  const who = scope.getStore();
  return (input) => (scope.getStore() === who ? work(input) : scope.run(who, work, input));
}

/** Undefined for what Godel does on its own. */
export const acting = (): Acting | undefined => scope.getStore();

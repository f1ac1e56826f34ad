/** Every runtime Godel knows, by id. */
import type { Runtime } from '../../src/agents/runtime.ts';
import { failure } from '../../src/errors.ts';

export interface RuntimeRegistry {
  /** @throws GodelError runtime-missing */
  get(id: string): Runtime;
  list(): readonly Runtime[];
}

export function createRuntimeRegistry(runtimes: readonly Runtime[]): RuntimeRegistry {
  return {
    get(id) {
      const found = runtimes.find((runtime) => runtime.id === id);
      const known = runtimes.map((runtime) => runtime.id).join(', ');
      if (!found)
        throw failure('runtime-missing', {
          runtime: id,
          problem: 'there is no runtime of that name',
          hint: `Known: ${known}`,
        });
      return found;
    },
    list: () => runtimes,
  };
}

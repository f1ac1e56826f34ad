/** Where the compiled programs lie: all in the folder of the daemon itself. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ProgramFiles {
  cli: string;
  proxy: string;
  board: string;
  review: string;
  piExtension: string;
  agentHost: string;
  agentHook: string;
}

/** Finds the compiled programs beside `moduleUrl`, or in `dist/` when it runs from source. */
export function programFiles(moduleUrl: string): ProgramFiles {
  const here = dirname(fileURLToPath(moduleUrl));
  const beside = existsSync(join(here, 'godel.js')) ? here : join(here, '..', '..', 'dist');
  const file = (name: string) => join(beside, name);
  return {
    cli: file('godel.js'),
    proxy: file('proxy.js'),
    board: file('board.js'),
    review: file('review.js'),
    piExtension: file('pi-extension.js'),
    agentHost: file('agent-host.js'),
    agentHook: file('agent-hook.js'),
  };
}

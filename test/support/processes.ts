/** Finds the processes that belong to a folder: by their command line, folder or environment. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface FoundProcess {
  pid: number;
  command: string;
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function fromProc(folder: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = attempt(() => readFileSync(`/proc/${name}/cmdline`, 'utf8'))
      .replaceAll('\0', ' ')
      .trim();
    const traces = [command, attempt(() => readlinkSync(`/proc/${name}/cwd`))];
    traces.push(attempt(() => readFileSync(`/proc/${name}/environ`, 'utf8')));
    // A process that has ended but was not waited for has neither.
    if (command !== '' && traces.some((trace) => trace.includes(folder))) found.push({ pid: Number(name), command });
  }
  return found;
}

/** The same by `ps`, which shows environments where there is no /proc. */
function fromPs(folder: string): FoundProcess[] {
  const listing = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return listing.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return command?.includes(folder) ? [{ pid: Number(pid), command: command.slice(0, 200) }] : [];
  });
}

/** Processes of `folder`, without this one and vitest's own. */
export function processesWith(folder: string): FoundProcess[] {
  const all = existsSync('/proc/self/environ') ? fromProc(folder) : fromPs(folder);
  return all.filter(({ pid, command }) => pid !== process.pid && !command.includes('vitest'));
}

/** Finds the program of a runtime on the daemon's PATH and asks it for its version, once for each build of it. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { RuntimeProbe } from '../../src/agents/runtime.ts';
import { messageOf } from '../../src/base/error.ts';
import { run } from '../../src/base/process.ts';

export interface ProgramSpec {
  /** Name of the executable. */
  name: string;
  /** Command that installs it. */
  install: string;
  /** Oldest version that is known to work. */
  oldest: string;
  path: () => string;
}

export interface Program {
  /** Absolute path. @throws Error when it is not installed */
  file(): string;
  probe(): Promise<RuntimeProbe>;
}

const VERSION_TIMEOUT_MS = 20_000;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first executable `name` in the folders of a PATH. */
export function findOnPath(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Compares dotted versions by their numbers; what follows a dash does not count. Pure. */
export function isOlder(version: string, oldest: string): boolean {
  const numbers = (text: string) => (text.split('-')[0] ?? '').split('.').map(Number);
  const [have, want] = [numbers(version), numbers(oldest)];
  for (const [index, number] of want.entries()) {
    const own = have[index] ?? 0;
    if (own !== number) return own < number;
  }
  return false;
}

export function createProgram(spec: ProgramSpec): Program {
  const known = new Map<string, Promise<string>>();
  const missing = `${spec.name} is not installed. ${spec.install}`;

  async function askVersion(file: string): Promise<string> {
    const env = { PATH: spec.path(), HOME: process.env.HOME ?? '/', NO_COLOR: '1' };
    const { code, stdout, stderr } = await run(file, ['--version'], { env, timeoutMs: VERSION_TIMEOUT_MS });
    const version = /\d+\.\d+\.\d+[\w.-]*/.exec(stdout)?.[0];
    if (code !== 0 || version === undefined)
      throw new Error(`${file} --version: ${(stderr.trim() || stdout.trim() || String(code)).replace(/\.$/, '')}`);
    return version;
  }

  function versionOf(file: string): Promise<string> {
    const key = `${realpathSync(file)} ${statSync(file).mtimeMs}`;
    const asked = known.get(key) ?? askVersion(file);
    known.set(key, asked);
    asked.catch(() => known.delete(key));
    return asked;
  }

  return {
    file() {
      const file = findOnPath(spec.name, spec.path());
      if (!file) throw new Error(missing);
      return file;
    },
    async probe() {
      const file = findOnPath(spec.name, spec.path());
      if (!file) return { ok: false, problem: missing };
      try {
        const version = await versionOf(file);
        if (!isOlder(version, spec.oldest)) return { ok: true, version, path: file };
        return {
          ok: false,
          version,
          path: file,
          problem: `${spec.name} ${version} is older than ${spec.oldest}. ${spec.install}`,
        };
      } catch (error) {
        return { ok: false, path: file, problem: messageOf(error) };
      }
    },
  };
}

/**
 * Keeps package-lock.json complete: a registry that lacks a package for some other system makes npm leave it out
 * without a word, and `npm ci` then refuses the lock everywhere. `--check` only says what is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Entry {
  version?: string;
  cpu?: string[];
  dev?: boolean;
  libc?: string[];
  license?: string;
  optional?: boolean;
  os?: string[];
  engines?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
interface Lock {
  packages: Record<string, Entry>;
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock;

/** What npm itself would note about a package of one system, read from its name; `sibling` is one for another system. */
function entryFor(name: string, version: string, sibling: Entry | undefined): Entry {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((each) => words.includes(each));
  const cpu = PROCESSORS.find((each) => words.includes(each));
  if (!os || !cpu || !sibling) throw new Error(`the lock file lacks ${name}@${version}: run npm install`);
  const musl = words.some((word) => word.startsWith('musl'));
  return {
    version,
    cpu: [cpu],
    ...(sibling.dev ? { dev: true } : {}),
    ...(os === 'linux' ? { libc: [musl ? 'musl' : 'glibc'] } : {}),
    ...(sibling.license ? { license: sibling.license } : {}),
    optional: true,
    os: [os],
    ...(sibling.engines ? { engines: sibling.engines } : {}),
  };
}

const added = new Map<string, Entry>();
for (const [place, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
  const find = (name: string) =>
    lock.packages[`${place}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`];
  const siblings = Object.keys(optionalDependencies).map(find);
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (find(name)) continue;
    const sibling = siblings.find((each) => each?.version === version && each.os);
    added.set(`node_modules/${name}`, entryFor(name, version, sibling));
  }
}

if (added.size > 0 && process.argv.includes('--check')) {
  process.stdout.write(`package-lock.json lacks ${[...added.keys()].join(', ')}. Run: node scripts/lock.ts\n`);
  process.exit(1);
}
if (added.size > 0) {
  const sorted = [...Object.entries(lock.packages), ...added].sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
  process.stdout.write(`${added.size} packages of other systems added to package-lock.json\n`);
}

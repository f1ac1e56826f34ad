/**
 * Records real programs for test/corpus: each runtime from npm, in its pane and over its protocol where it has both, in the
 * private home that Godel makes for it, against the scripted provider. It is taken through its moments (scripts/corpus/scenes.ts),
 * and what is so at each of them is known from the requests it made and the files its tools wrote, not from what Godel says of it.
 * What Godel says at the time is printed beside it: `right` or `WRONG`. Paths, ids of processes and names are taken out of the tapes.
 * Use: node scripts/build.ts && node scripts/record-corpus.ts [name…] [--scene word] [--keep]
 */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createDemoProvider } from '../proxy/demo/server.ts';
import { createRuntimes } from '../runners/runtimes/registry.ts';
import type { Dialect, Permission, Runtime } from '../src/agents/runtime.ts';
import { type Tape, writeTape } from '../test/support/corpus.ts';
import { makeRepository } from '../test/support/home.ts';
import { type ProgramId, pathWith } from '../test/support/runtimes.ts';
import { createFacts, type Facts } from './corpus/facts.ts';
import { openPiPane } from './corpus/pi-pane.ts';
import { openRig, type Subject } from './corpus/rig.ts';
import { play, type Skills } from './corpus/scenes.ts';
import { scrubbed, shortened } from './corpus/scrub.ts';
import { recordShell } from './corpus/shell-pane.ts';

const root = join(import.meta.dirname, '..');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { scene: { type: 'string' }, keep: { type: 'boolean', default: false } },
});

interface Recording {
  name: string;
  runtime: string;
  program?: ProgramId;
  mode: 'pane' | 'protocol';
  dialect: Dialect;
  permission: Permission;
  skills: Skills;
  patience?: number;
  command?: string;
  env?: Record<string, string>;
}

const bash = (command: string) => `bash: ${command}`;
const OPTIONS = ['red', 'blue'].map((label) => ({ label, description: `It is ${label}` }));
/** Asks a question with a tool of the program's own. */
const colours = (name: string) =>
  `call: ${name} ${JSON.stringify({ questions: [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options: OPTIONS }] })}`;
const claude: Skills = {
  asking: bash,
  plain: bash,
  question: colours('AskUserQuestion'),
  yes: '\r',
  no: '\u001b',
  quit: '/exit',
};
const codex: Skills = {
  asking: (cmd) =>
    `call: exec_command ${JSON.stringify({ cmd, sandbox_permissions: 'require_escalated', justification: 'May it run?' })}`,
  plain: bash,
  yes: 'y',
  no: '\u001b',
  quit: '/quit',
};

const recordings: readonly Recording[] = [
  {
    name: 'shell-pane',
    runtime: 'shell',
    mode: 'pane',
    dialect: 'anthropic',
    permission: 'all',
    skills: { plain: bash },
  },
  {
    name: 'pi-pane',
    runtime: 'pi',
    mode: 'pane',
    dialect: 'anthropic',
    permission: 'all',
    skills: { plain: bash, quit: '/quit' },
  },
  {
    name: 'pi-protocol',
    runtime: 'pi',
    mode: 'protocol',
    dialect: 'anthropic',
    permission: 'all',
    skills: { plain: bash },
  },
  {
    name: 'claude-protocol',
    runtime: 'claude',
    program: 'claude',
    mode: 'protocol',
    dialect: 'anthropic',
    permission: 'ask',
    skills: { ...claude, quit: undefined },
  },
  {
    name: 'claude-pane',
    runtime: 'claude',
    program: 'claude',
    mode: 'pane',
    dialect: 'anthropic',
    permission: 'ask',
    skills: claude,
  },
  {
    name: 'codex-protocol',
    runtime: 'codex',
    program: 'codex',
    mode: 'protocol',
    dialect: 'openai-responses',
    permission: 'ask',
    skills: { ...codex, quit: undefined },
  },
  {
    name: 'codex-pane',
    runtime: 'codex',
    program: 'codex',
    mode: 'pane',
    dialect: 'openai-responses',
    permission: 'ask',
    skills: codex,
  },
  {
    name: 'gemini-protocol',
    runtime: 'gemini',
    program: 'gemini',
    mode: 'protocol',
    dialect: 'google',
    permission: 'ask',
    skills: { asking: bash, plain: bash },
  },
  {
    name: 'gemini-pane',
    runtime: 'gemini',
    program: 'gemini',
    mode: 'pane',
    dialect: 'google',
    permission: 'ask',
    patience: 2,
    skills: { asking: bash, plain: bash, yes: '\r', no: '\u001b', quit: '/quit' },
  },
  {
    name: 'opencode-protocol',
    runtime: 'opencode',
    program: 'opencode',
    mode: 'protocol',
    dialect: 'openai-chat',
    permission: 'ask',
    patience: 3,
    skills: { asking: bash, plain: bash },
  },
  {
    name: 'opencode-pane',
    runtime: 'opencode',
    program: 'opencode',
    mode: 'pane',
    dialect: 'openai-chat',
    permission: 'ask',
    patience: 6,
    skills: {
      asking: bash,
      plain: bash,
      question: colours('question'),
      yes: '\r',
      no: '\u001b',
      escapes: ['\u001b', '\u001b'],
      quit: '/exit',
    },
  },
  {
    name: 'acp-protocol',
    runtime: 'acp',
    program: 'acp',
    mode: 'protocol',
    dialect: 'anthropic',
    permission: 'ask',
    skills: { asking: bash, plain: bash },
    command: 'claude-agent-acp',
    env: { ANTHROPIC_MODEL: 'demo/demo-small', ANTHROPIC_SMALL_FAST_MODEL: 'demo/demo-small' },
  },
];

function runtimeOf(id: string, path: string): Runtime {
  const runtimes = createRuntimes({
    extensionFile: join(root, 'dist/pi-extension.js'),
    hostFile: '-',
    hookFile: join(root, 'dist/agent-hook.js'),
    nodePath: process.execPath,
    path: () => path,
  });
  return runtimes.find((runtime) => runtime.id === id) as Runtime;
}

async function tapeOf(subject: Subject, skills: Skills, folder: string, cwd: string, facts: Facts): Promise<Tape> {
  if (subject.runtime.id === 'shell') return recordShell(subject, folder);
  const open = subject.name === 'pi-pane' ? openPiPane : openRig;
  const rig = await open(subject, folder, cwd, facts);
  await play(rig, skills, (scene) => options.scene === undefined || scene === options.scene || scene === 'end');
  return rig.tape();
}

async function record(recording: Recording): Promise<void> {
  const { program, skills } = recording;
  const path = program ? await pathWith(program) : (process.env.PATH ?? '');
  if (path === undefined) return;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'corpus-')));
  const demo = await createDemoProvider({ port: 0 });
  const facts = await createFacts(demo.url);
  const runtime = runtimeOf(recording.runtime, path);
  const probe = await runtime.probe();
  try {
    const cwd = await makeRepository(join(folder, 'repo'));
    const subject = { patience: 1, ...recording, runtime, path, version: probe.version ?? '' };
    const tape = await tapeOf(subject, skills, folder, cwd, facts);
    const places = { [cwd]: '/work/repo', [folder]: '/home/agent', [root.replace(/\/$/, '')]: '/opt/godel' };
    const file = join(root, 'test/corpus/recordings', `${recording.name}.jsonl`);
    const part = join(tmpdir(), `${recording.name}.jsonl`);
    writeFileSync(options.scene === undefined ? file : part, scrubbed(writeTape(shortened(tape)), places));
  } finally {
    await facts.stop();
    await demo.stop();
    if (!options.keep) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}

for (const recording of recordings) {
  if (positionals.length === 0 || positionals.includes(recording.name)) await record(recording);
}
process.exit(0);

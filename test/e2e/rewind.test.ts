/** Back to an earlier turn with the files of that time; beside it on a branch of its own; and what a kill in the middle leaves. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Checkpoint, Moved, Session, SessionTurn, SessionView } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;
beforeEach(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterEach(() => home.stop());

const FIRST = [
  'printf "*.log\\n" > .gitignore',
  'mkdir -p deep/er && echo one > deep/er/a.txt',
  'echo gone > gone.txt',
  'printf "#!/bin/sh\\n" > run.sh && chmod +x run.sh',
  'ln -s deep/er/a.txt link',
  'printf "\\000\\377\\r\\n" > bytes.bin',
  'git add gone.txt && git commit -qm First',
  'echo "with spaces" > "a name #1 %d.txt"',
].join(' && ');
const SECOND = [
  'rm -r gone.txt link deep',
  'echo new > link',
  'chmod -x run.sh',
  'echo other > bytes.bin',
  'git add -A && git commit -qm Second',
  'echo late > late.txt',
  'echo run > work.log',
].join(' && ');

/** Every file git does not ignore: mode, and content or target. */
function filesOf(worktree: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(worktree, { recursive: true }) as string[]) {
    if (name === '.git' || name.endsWith('.log')) continue;
    const path = join(worktree, name);
    const info = lstatSync(path);
    if (info.isSymbolicLink()) found[name] = `-> ${readlinkSync(path)}`;
    else if (info.isFile()) found[name] = `${statSync(path).mode.toString(8)} ${readFileSync(path).toString('hex')}`;
  }
  return found;
}

const idle = (name: string, from = home) =>
  until(`${name} idle`, async () => {
    const agent = await from.json<Agent>('agent', 'show', name);
    return agent.observed.state === 'idle' && agent;
  });
const turnsOf = async (id: string) => (await home.json<{ turns: SessionTurn[] }>('session', 'tree', id)).turns;
const saidBy = async (id: string) =>
  (await turnsOf(id)).filter((turn) => turn.role === 'assistant' && turn.text).map((turn) => turn.text);
const told = (id: string, text: string) => until(text, async () => (await saidBy(id)).includes(text));

interface Work {
  bead: Bead;
  worktree: string;
  first: Record<string, string>;
  second: Record<string, string>;
  head: string;
}

/** An agent that did two things, with a checkpoint named `base` between them. */
async function workTwice(name: string): Promise<Work> {
  const steps = script(`bash: ${FIRST}`, 'say: first');
  const bead = await home.json<Bead>('bead', 'create', `Work of ${name}`, '--description', steps);
  await home.json('agent', 'spawn', '--bead', bead.id, '--name', name);
  await told(name, 'first');
  const { worktree = '' } = await idle(name);
  const first = filesOf(worktree);
  const head = await git(worktree, ['rev-parse', 'HEAD']);
  await home.json('checkpoint', 'create', name, '--name', 'base');
  await home.json('agent', 'send', name, script(`bash: ${SECOND}`, 'say: second'), '--wait', '30');
  await told(name, 'second');
  await idle(name);
  const second = filesOf(worktree);
  expect(second).not.toEqual(first);
  return { bead, worktree, first, second, head };
}

test('back to a checkpoint, and forth again: files, branch and conversation are exactly what they were', {
  timeout: 180_000,
}, async () => {
  const { worktree, first, second, head } = await workTwice('pilot');
  const before = await home.json<Session>('session', 'show', 'pilot');
  const later = await git(worktree, ['rev-parse', 'HEAD']);
  const moved = await home.json<Moved>('session', 'rewind', 'pilot', 'base');
  expect(moved).toMatchObject({ carried: 'native', files: 'base', session: { origin: 'rewind', parentId: before.id } });
  expect(filesOf(worktree)).toEqual(first);
  expect(await git(worktree, ['rev-parse', 'HEAD'])).toBe(head);
  expect(await git(worktree, ['symbolic-ref', '--short', 'HEAD'])).toMatch(/^bead\/godel-/);
  // What git ignores is not a part of it.
  expect(readFileSync(join(worktree, 'work.log'), 'utf8')).toBe('run\n');
  await idle('pilot');
  expect(await saidBy('pilot')).toEqual(['first']);
  // It waits, and goes on from there.
  await home.json('agent', 'send', 'pilot', script('say: third'), '--wait', '30');
  await told('pilot', 'third');
  expect(await saidBy('pilot')).toEqual(['first', 'third']);
  expect((await home.json<SessionView>('session', 'show', before.id)).status).toBe('completed');
  const tree = (await home.godel(['session', 'tree', before.id])).stdout;
  expect(tree).toMatch(/assistant: first\n(.*\n)*? {2}\* checkpoint base \(asked\)\n(.*\n)*? {2}↳ rewind: session/);

  const back = await home.json<Moved>('checkpoint', 'restore', moved.checkpoint, '--prompt', script('say: fourth'));
  expect(back.session.parentId).toBe(before.id);
  expect(filesOf(worktree)).toEqual(second);
  expect(await git(worktree, ['rev-parse', 'HEAD'])).toBe(later);
  await told('pilot', 'fourth');
  expect(await saidBy('pilot')).toEqual(['first', 'second', 'fourth']);
  expect((await home.godel(['session', 'rewind', 'pilot', 'zzzz'])).stderr).toContain('has no turn "zzzz"');
});

test('a file that is ignored by now, and would be overwritten, is in what is kept first', async () => {
  const { worktree } = await workTwice('pilot');
  writeFileSync(join(worktree, '.gitignore'), '*.log\ngone.txt\n');
  writeFileSync(join(worktree, 'gone.txt'), 'secret of today\n');
  const { checkpoint } = await home.json<Moved>('session', 'rewind', 'pilot', 'base', '--stopped');
  expect(readFileSync(join(worktree, 'gone.txt'), 'utf8')).toBe('gone\n');
  const { code } = await home.json<Checkpoint>('checkpoint', 'show', checkpoint);
  expect(await git(worktree, ['cat-file', 'blob', `${code?.commit}:gone.txt`])).toBe('secret of today');
  // Left stopped, as it was asked for; a start goes on with the shorter conversation.
  expect((await home.json<Agent>('agent', 'show', 'pilot')).lifecycle).toBe('killed');
  await home.json('agent', 'restart', 'pilot');
  await told('pilot', 'first');
  expect(await saidBy('pilot')).not.toContain('second');
});

test('a fork goes on with a copy on a bead of its own, and the agent it comes from goes on too', async () => {
  const { bead, worktree, first, second, head } = await workTwice('pilot');
  const forked = await home.json<{ agent: Agent; beadId: string; files: string }>(
    ...[
      'session',
      'fork',
      'pilot',
      '--at',
      'base',
      '--name',
      'copy',
      '--prompt',
      script('bash: echo mine > mine.txt', 'say: mine'),
    ],
  );
  expect(forked.files).toBe('base');
  await told('copy', 'mine');
  expect(await saidBy('copy')).toEqual(['first', 'mine']);
  const copy = await home.json<Agent>('agent', 'show', 'copy');
  expect(copy.beadId).toBe(forked.beadId);
  const { 'mine.txt': mine, ...rest } = filesOf(copy.worktree as string);
  expect(mine).toBeDefined();
  expect(rest).toEqual(first);
  expect(await git(copy.worktree as string, ['rev-parse', `bead/${forked.beadId}`])).toBe(head);
  const made = await home.json<Bead>('bead', 'show', forked.beadId);
  expect(made).toMatchObject({
    title: 'Work of pilot (fork)',
    related: [bead.id],
    agent: 'copy',
    status: 'in-progress',
  });
  const session = await home.json<Session>('session', 'show', 'copy');
  expect(session).toMatchObject({ origin: 'fork', depth: 1, status: 'active' });

  // Nothing of the first was touched.
  expect(filesOf(worktree)).toEqual(second);
  expect(await home.json<Agent>('agent', 'show', 'pilot')).toMatchObject({ lifecycle: 'executing', generation: 1 });
  expect(await saidBy('pilot')).toEqual(['first', 'second']);
});

test('kill -9 of the daemon while it puts things back: all of it happened in the end, or nothing, and what was there is kept', {
  timeout: 240_000,
}, async () => {
  const { worktree, first, second } = await workTwice('pilot');
  const before = await home.json<Session>('session', 'show', 'pilot');
  let [old, neu] = [0, 0];
  for (const afterMs of [250, 500, 800, 1200]) {
    const command = home.godel(['session', 'rewind', before.id, 'base', '--stopped']);
    await delay(afterMs);
    process.kill(home.daemonPid(), 'SIGKILL');
    await command;
    const [newest] = (await home.json<{ items: Session[] }>('session', 'list', '--agent', 'pilot')).items;
    const isKept = async () =>
      (await home.json<{ items: Checkpoint[] }>('checkpoint', 'list')).items.some(
        (each) => each.reason === 'before-rewind',
      );
    // What was begun is finished by the daemon that came back.
    const files = await until('settled', async () => {
      const now = filesOf(worktree);
      const [session] = (await home.json<{ items: Session[] }>('session', 'list', '--agent', 'pilot')).items;
      const isNew = session?.origin === 'rewind' && JSON.stringify(now) === JSON.stringify(first);
      const isOld = session?.id === before.id && JSON.stringify(now) === JSON.stringify(second);
      return (isNew && 'new') || (isOld && (await restedFor(newest?.id)) && 'old');
    });
    if (files === 'old') {
      old += 1;
      continue;
    }
    neu += 1;
    expect(await isKept()).toBe(true);
    expect(await saidBy('pilot')).toEqual(['first']);
    // Forth again, for the next round.
    const kept = (await home.json<{ items: Checkpoint[] }>('checkpoint', 'list', '--session', before.id)).items;
    const there = kept.find((each) => each.reason === 'before-rewind') as Checkpoint;
    await home.json('checkpoint', 'restore', there.id, '--stopped');
    expect(filesOf(worktree)).toEqual(second);
    break;
  }
  expect(old + neu).toBeGreaterThan(0);
  await home.json('agent', 'restart', 'pilot');
  await idle('pilot');
  expect((await saidBy('pilot')).slice(0, 2)).toEqual(['first', 'second']);
});

/** True when nothing changes any more: an unfinished move would have been seen to by then. */
async function restedFor(id: string | undefined): Promise<boolean> {
  await delay(1_500);
  const [session] = (await home.json<{ items: Session[] }>('session', 'list', '--agent', 'pilot')).items;
  return session?.id === id;
}

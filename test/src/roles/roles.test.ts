/** Role files: where a role comes from, what is wrong with one to the line, and what a role may do. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { geminiSettings } from '../../../runners/runtimes/gemini.ts';
import { opencodeConfig } from '../../../runners/runtimes/opencode.ts';
import { isAllowed, isGrantable, isLess, permissionsOf } from '../../../src/access/permissions.ts';
import { assignmentOf, firstPrompt, instructionsFor } from '../../../src/agents/assignment.ts';
import type { PrepareSpec } from '../../../src/agents/runtime.ts';
import { configSchema } from '../../../src/config.ts';
import { modelOfTier } from '../../../src/costs/policy.ts';
import { operations } from '../../../src/operations.ts';
import { BUILT_IN_ROLES } from '../../../src/roles/built-in.ts';
import { createRoleFiles, parseRole } from '../../../src/roles/files.ts';
import { type Role, roleFileSchema } from '../../../src/roles/schema.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roles #1 '));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const role = (change: Partial<Role> = {}): Role => ({
  ...roleFileSchema.parse({}),
  name: 'tester',
  origin: 'project',
  ...change,
});

describe('a role file', () => {
  test.each([
    ['description: fine\ncolour: red\n', 2, 'colour', 'there is no field "colour"'],
    ['model: fast\nlimits:\n  minutes: long\n', 3, 'limits.minutes', 'expected number'],
    ['tools: [read, fly]\n', 1, 'tools.1', 'Invalid option'],
    ['description: x\nprompt: |\n  You are {{name}}.\n', 2, 'prompt', '{{name}} stands for nothing'],
    ['permissions:\n  allow:\n    - agent:create\n    - secret:write\n', 4, 'permissions.allow.1', 'no role can give'],
    ['permissions:\n  deny: [everything]\n', 2, 'permissions.deny.0', 'noun:action'],
    ['description: "open\nmodel: fast\n', 1, '', 'line'],
  ])('that is wrong is refused with file, line and field: %j', (text, line, field, problem) => {
    let refused: unknown;
    try {
      parseRole(text, '/p/tester.yaml');
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ reason: 'role-invalid', params: { file: '/p/tester.yaml' } });
    const { message, hint, params } = refused as { message: string; hint: string; params: { line: number } };
    expect(message).toContain('/p/tester.yaml');
    expect(message).toContain(problem);
    if (field !== '') expect(params).toMatchObject({ line, field });
    expect(hint).not.toBe('');
  });

  test('of the project comes before that of the user, and that before the built-in one; changes are seen at once', async () => {
    const files = createRoleFiles();
    const folders = { project: join(folder, 'p'), user: join(folder, 'u') };
    expect(await files.find(folders, 'reviewer')).toMatchObject({ origin: 'built-in', model: 'smart' });
    await mkdir(folders.user, { recursive: true });
    await writeFile(join(folders.user, 'reviewer.yaml'), 'model: own\n');
    expect(await files.find(folders, 'reviewer')).toMatchObject({ origin: 'user', model: 'own' });
    const file = join(folders.project, 'reviewer.yaml');
    await mkdir(folders.project, { recursive: true });
    await writeFile(file, '# why it is strict\nmodel: strict\n');
    expect(await files.find(folders, 'reviewer')).toMatchObject({ origin: 'project', model: 'strict', file });
    await files.write(file, { description: 'Ours', limits: { minutes: 5 } });
    expect(await readFile(file, 'utf8')).toBe(
      '# why it is strict\nmodel: strict\ndescription: Ours\nlimits:\n  minutes: 5\n',
    );
    await writeFile(join(folders.project, 'broken.yaml'), 'model: [\n');
    const { items, problems } = await files.list(folders);
    expect(items.map(({ name }) => name)).toEqual(Object.keys(BUILT_IN_ROLES));
    expect(problems).toEqual([
      { file: join(folders.project, 'broken.yaml'), problem: expect.stringContaining('line 2') },
    ]);
    await expect(files.find(folders, 'broken')).rejects.toMatchObject({ reason: 'role-invalid' });
    await expect(files.find(folders, '../reviewer')).rejects.toMatchObject({ reason: 'role-not-found' });
    await expect(files.write(file, { tools: ['fly'] })).rejects.toMatchObject({ reason: 'role-invalid' });
    expect(await files.find(folders, 'reviewer')).toMatchObject({ description: 'Ours' });
  });

  test('that is built in is one that could have been written by hand', () => {
    expect(Object.keys(BUILT_IN_ROLES).sort()).toEqual([
      'architect',
      'coordinator',
      'monitor',
      'refinery',
      'reviewer',
      'worker',
    ]);
    for (const [name, content] of Object.entries(BUILT_IN_ROLES))
      expect(parseRole(JSON.stringify(content), name)).toEqual(content);
  });
});

describe('what a role may do', () => {
  const agent = { kind: 'agent', id: 'a', name: 'a-1' } as const;
  const may = (name: string, key: keyof typeof operations) =>
    isAllowed(agent, operations[key], permissionsOf(BUILT_IN_ROLES[name]?.permissions));

  test('is its own, and the last word is nobody’s but a person’s', () => {
    expect([may('worker', 'agentSpawn'), may('coordinator', 'agentSpawn')]).toEqual([false, true]);
    expect([may('worker', 'beadDone'), may('reviewer', 'beadDone'), may('monitor', 'beadCreate')]).toEqual([
      true,
      false,
      false,
    ]);
    for (const name of Object.keys(BUILT_IN_ROLES))
      for (const key of ['reviewAccept', 'secretSet', 'configSet', 'inboxAnswer', 'roleUpdate'] as const)
        expect(may(name, key), `${name} ${key}`).toBe(false);
    expect(isGrantable('review:accept')).toBe(false);
    // A noun with a star gives what can be given of it, and no more.
    expect(isGrantable('review:*')).toBe(true);
    expect(permissionsOf({ allow: ['review:*'], deny: [] }).has('review:accept')).toBe(false);
    expect(permissionsOf({ allow: ['agent:*'], deny: ['agent:control'] }).has('agent:control')).toBe(false);
    expect(permissionsOf(undefined).has('bead:submit')).toBe(false);
  });

  test('is never given on to an agent that it starts', () => {
    const of = (name: string) => permissionsOf(BUILT_IN_ROLES[name]?.permissions);
    expect(isLess(of('monitor'), of('coordinator'))).toBe(true);
    expect(isLess(of('coordinator'), of('coordinator'))).toBe(false);
    expect(isLess(permissionsOf({ allow: ['merge:add'], deny: [] }), of('coordinator'))).toBe(false);
  });
});

describe('an agent of a role', () => {
  const config = configSchema.parse({ runtime: 'pi', proof_command: 'npm test' });
  const project = { name: 'shop', mainBranch: 'main' };

  test('is what was asked for, else what the role says, else what the project does', () => {
    const of = role({ runtime: 'claude', model: 'fast', limits: { minutes: 5, budget_usd: 2 } });
    expect(assignmentOf({}, of, config)).toEqual({
      runtime: 'claude',
      model: { model: 'fast', provider: undefined },
      budgetUsd: 2,
      timeLimitMinutes: 5,
    });
    const asked = { runtime: 'codex', provider: 'openai', budget: 1, maxMinutes: 9 };
    expect(assignmentOf(asked, of, config)).toEqual({
      runtime: 'codex',
      model: { model: undefined, provider: 'openai' },
      budgetUsd: 1,
      timeLimitMinutes: 9,
    });
    expect(assignmentOf({}, role(), config).runtime).toBe('pi');
    expect(assignmentOf({ command: 'sh' }, of, config).runtime).toBe('shell');
  });

  test('is told its role first, with the names filled in', () => {
    const told = role({
      prompt: 'You are {{agent}}, a {{role}} of {{project}}; {{bead}} is “{{title}}”, {{ mainBranch }}.',
    });
    const bead = {
      id: 'godel-abc12',
      title: 'Pay',
      type: 'task',
      priority: 'low',
      notes: [],
      description: '',
    } as never;
    const briefed = {
      agent: { name: 'tester-1', role: 'tester', beadId: 'godel-abc12' },
      role: told,
      project,
      config,
      bead,
    };
    const text = instructionsFor(briefed);
    expect(text.split('\n')[0]).toBe('You are tester-1, a tester of shop; godel-abc12 is “Pay”, main.');
    expect(text).toContain('godel done');
    expect(firstPrompt(briefed, { instructions: 'system' })).not.toContain('a tester of shop');
    expect(firstPrompt(briefed, { instructions: 'prompt' })).toMatch(
      /^You are tester-1[\s\S]*Work on bead godel-abc12/,
    );
    const reviewer = { ...briefed, role: role({ permissions: { allow: [], deny: ['bead:submit'] } }) };
    expect(instructionsFor(reviewer) + firstPrompt(reviewer, { instructions: 'system' })).not.toContain('godel done');
  });

  test('has the tier of the provider that is configured, and never that of another', () => {
    const keys = (id: string) => (id === 'anthropic' ? [{ id: 'k', value: 'k' }] : []);
    const source = { env: {}, keys } as unknown as Parameters<typeof modelOfTier>[1];
    const tier = (change: object, wanted: { model?: string; provider?: string }) =>
      modelOfTier(configSchema.parse(change), source, wanted);
    expect(tier({}, { model: 'smart' })).toMatch(/^anthropic\//);
    expect(tier({ provider: 'demo' }, { model: 'smart' })).toBe('demo/demo-large');
    const own = { providers: { mine: { dialect: 'openai', base_url: 'http://127.0.0.1:1' } }, provider: 'mine' };
    expect(tier(own, { model: 'smart' })).toBeUndefined();
    expect(tier({ model_aliases: { quick: ['anthropic/x'] } }, { model: 'quick' })).toBe('anthropic/x');
    expect(tier({}, { model: 'claude-opus-9' })).toBe('claude-opus-9');
  });
});

test('tools that a role does not name are taken from the program in its own words', () => {
  const spec = {
    tools: ['read'],
    permission: 'edits',
    choice: { provider: 'demo', model: 'm' },
  } as unknown as PrepareSpec;
  expect(opencodeConfig(spec, 'i.md')).toMatchObject({
    permission: { edit: 'deny', bash: 'deny', webfetch: 'deny' },
  });
  expect(geminiSettings(spec)).toMatchObject({
    tools: { exclude: expect.arrayContaining(['run_shell_command', 'replace']) },
  });
  expect(geminiSettings({ ...spec, tools: undefined })).not.toHaveProperty('tools');
});

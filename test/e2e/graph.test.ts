/** The work graph through the compiled CLI: links, claims by several processes, bulk, templates, files in and out. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git } from '../../src/base/git.ts';
import { run } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, GODEL, type TestHome } from '../support/home.ts';

let home: TestHome;
beforeAll(async () => {
  home = await createHome();
});
afterAll(() => home.stop());

const lines = async (...args: string[]) => {
  const result = await home.godel(args);
  expect(result.stderr).toBe('');
  return result.stdout.trimEnd().split('\n');
};

test('a checklist comes in by file and by pipe, is shown as a tree, and goes out again', async () => {
  const file = join(home.repository, 'TODO.md');
  await writeFile(file, '- [ ] Ship it !high\n  - [x] Build\n  - [ ] Test #ci\n');
  expect(await lines('bead', 'import', 'TODO.md', '--dry-run')).toContain(
    'Would import markdown: 3 created, 0 updated, 0 unchanged, 0 kept',
  );
  expect((await lines('bead', 'import', 'TODO.md'))[0]).toBe(
    'Imported markdown: 3 created, 0 updated, 0 unchanged, 0 kept',
  );
  const piped = await run(process.execPath, [GODEL, 'bead', 'import', '-'], {
    cwd: home.repository,
    env: home.env,
    input: await readFile(file, 'utf8'),
  });
  expect(piped.stdout).toContain('3 unchanged');
  const tree = await lines('bead', 'tree');
  expect(tree.map((line) => line.replace(/godel-\w+/, 'ID'))).toEqual(['○ ID Ship it', '  ● ID Build', '  ○ ID Test']);
  const out = await lines('bead', 'export', '--format', 'markdown');
  expect(out.map((line) => line.replace(/godel-\w+/, 'ID'))).toEqual([
    '- [ ] Ship it !high <!-- ID -->',
    '  - [x] Build <!-- ID -->',
    '  - [ ] Test #ci <!-- ID -->',
  ]);
  const missing = await home.godel(['bead', 'import', 'nowhere.md']);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('nowhere.md cannot be read');
});

test('a blocked bead is not begun, and the cycle that would block both is shown', async () => {
  const [ship, test] = [await found('Ship it'), await found('Test')];
  expect(await lines('bead', 'link', ship.id, test.id)).toEqual([`${ship.id} waits for ${test.id}`]);
  const refused = await home.godel(['bead', 'link', test.id, ship.id]);
  expect(refused.code).toBe(4);
  expect(refused.stderr).toContain(`That would be a cycle: ${test.id} waits for ${ship.id} waits for ${test.id}.`);
  expect((await lines('bead', 'ready')).join('\n')).not.toContain(ship.id);
  const spawn = await home.godel(['agent', 'spawn', '--bead', ship.id, '--runtime', 'shell', '--command', 'true']);
  expect(spawn.code).toBe(4);
  expect(spawn.stderr).toContain(`${ship.id} waits for ${test.id}.`);
});

const found = async (words: string) =>
  ((await home.json<{ items: { bead: Bead }[] }>('bead', 'search', words)).items[0] as { bead: Bead }).bead;

test('of several processes one gets the bead; the next generation refuses the last', async () => {
  const { id } = await found('Test');
  const tries = ['w1', 'w2', 'w3', 'w4'].map((holder) =>
    home.godel(['bead', 'claim', id, '--holder', holder, '--lease-seconds', '3600', '--json']),
  );
  const results = await Promise.all(tries);
  expect(results.map((result) => result.code).sort()).toEqual([0, 4, 4, 4]);
  const won = JSON.parse(results.find((result) => result.code === 0)?.stdout ?? '') as {
    holder: string;
    generation: number;
  };
  const taken = await home.godel(['bead', 'claim', id, '--holder', 'chief', '--force']);
  expect(taken.stdout).toContain(`Claimed bead ${id} for chief (generation ${won.generation + 1}`);
  const late = await home.godel(['bead', 'update', id, '--title', 'late', '--generation', String(won.generation)]);
  expect(late.code).toBe(4);
  expect(late.stderr).toContain(`you no longer hold ${id}. chief holds it now.`);
});

test('many beads change at once or not at all', async () => {
  const items = (await home.json<{ items: Bead[] }>('bead', 'list')).items.map((bead) => bead.id);
  const refused = await home.godel(['bead', 'bulk', ...items, '--status', 'review']);
  expect(refused.code).toBe(4);
  expect(refused.stderr).toContain('Nothing was changed:');
  const before = Number(await git(home.repository, ['rev-list', '--count', 'refs/godel/state']));
  const changed = await lines('bead', 'bulk', ...items, '--add-label', 'release', '--due', '2020-01-01');
  expect(changed).toEqual(items.map((id) => `${id} changed`));
  expect(Number(await git(home.repository, ['rev-list', '--count', 'refs/godel/state']))).toBe(before + 1);
  expect(await lines('bead', 'list', '--overdue', '--label', 'release', '--sort', 'due')).toHaveLength(3);
});

test('a template makes a tree; a convoy of it tells how far it is', async () => {
  await mkdir(join(home.repository, '.godel', 'templates'), { recursive: true });
  await writeFile(
    join(home.repository, '.godel', 'templates', 'fix.yaml'),
    'variables: { what: {} }\nbead: { title: "Fix {{what}}", type: bug, children: [{ key: a, title: Repeat it }, { title: Mend it, blockedBy: [a] }] }\n',
  );
  expect((await lines('template', 'list')).join('\n')).toContain('fix');
  const [created = ''] = await lines('bead', 'create', '--template', 'fix', '--var', 'what=login');
  expect(created).toMatch(/^Created bead godel-[a-z0-9]{5}$/);
  const tree = await home.json<{ items: { bead: Bead }[] }>('bead', 'tree', created.slice('Created bead '.length));
  const ids = tree.items.map(({ bead }) => bead.id);
  await home.json('convoy', 'create', 'Fixes', ...ids);
  expect((await lines('convoy', 'status', 'Fixes')).join('\n')).toMatch(
    /progress {4}0 of 3 done \(0 %\), 1 blocked\nestimate {4}unknown: too little was finished lately/,
  );
  expect(await lines('convoy', 'archive', 'Fixes')).toEqual([expect.stringMatching(/^Archived convoy convoy-/)]);
});

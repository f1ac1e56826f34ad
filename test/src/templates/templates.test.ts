/** Templates: a tree of beads with dependencies from one file, variables, and files that cannot be used. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ANN, createGraphHome, type GraphHome } from '../../support/graph-home.ts';

let home: GraphHome;
beforeAll(async () => {
  home = await createGraphHome();
});
afterAll(() => home.stop());

const ann = () => home.as(ANN);
async function put(name: string, text: string): Promise<void> {
  const folder = join(home.project.path, '.godel', 'templates');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.yaml`), text);
}
const create = (template: string, vars: string[] = [], title?: string) =>
  home.beads.beadCreate(
    {
      title,
      template,
      vars,
      type: 'task',
      priority: 'medium',
      labels: [],
      blockedBy: [],
      related: [],
      discoveredFrom: [],
      metadata: {},
    },
    ann(),
  );

const RELEASE = `
description: Everything a release needs
variables:
  version: { description: For example 1.2.0 }
  team: { default: core }
bead:
  title: Release {{version}}
  type: feature
  priority: high
  labels: ["{{ team }}"]
  children:
    - { key: notes, title: "Notes for {{version}}", due: 2d }
    - key: build
      title: Build
      children:
        - title: Sign {{unknown}}
    - { title: Announce, blockedBy: [notes, build], type: task }
`;

test('a tree of beads with dependencies is made at once', async () => {
  await put('release', RELEASE);
  const root = await create('release', ['version=1.2.0']);
  expect(root).toMatchObject({ title: 'Release 1.2.0', type: 'feature', priority: 'high', labels: ['core'] });
  const { items } = await home.beads.beadTree({ id: root.id, limit: 10 }, ann());
  expect(items.map(({ bead, depth }) => [depth, bead.title])).toEqual([
    [0, 'Release 1.2.0'],
    [1, 'Notes for 1.2.0'],
    [1, 'Build'],
    [2, 'Sign {{unknown}}'],
    [1, 'Announce'],
  ]);
  const id = (title: string) => items.find(({ bead }) => bead.title === title)?.bead.id;
  expect(items.at(-1)?.openBlockers).toEqual([id('Notes for 1.2.0'), id('Build')]);
  expect(items[1]?.bead.dueAt).toMatch(/^2026-03-0/);
  const named = await create('release', ['version=2', 'team=web'], 'My own title');
  expect(named).toMatchObject({ title: 'My own title', labels: ['web'] });
});

test('variables that are missing or unknown are refused, and nothing is made', async () => {
  const before = (await home.beads.beadTree({ limit: 100 }, ann())).items.length;
  await expect(create('release')).rejects.toMatchObject({ reason: 'bad-input', message: '--var version=… is needed.' });
  await expect(create('release', ['version=1', 'colour=red'])).rejects.toMatchObject({ reason: 'bad-input' });
  await expect(create('none')).rejects.toMatchObject({ reason: 'template-not-found', kind: 'not_found' });
  expect((await home.beads.beadTree({ limit: 100 }, ann())).items).toHaveLength(before);
});

test('templates are listed and shown; a file that cannot be used is named with its problem', async () => {
  await put('broken', 'bead: { title: x, colour: red }');
  await put(
    'circle',
    'bead: { title: x, children: [{ key: a, title: a, blockedBy: [b] }, { key: b, title: b, blockedBy: [a] }] }',
  );
  await put('dangling', 'bead: { title: x, blockedBy: [nothing] }');
  const { items, problems } = await home.templates.templateList({}, ann());
  expect(items.map(({ name, beads, description }) => [name, beads, description])).toEqual([
    ['release', 5, 'Everything a release needs'],
  ]);
  expect(problems.map(({ file, problem }) => [file.split('/').at(-1), problem])).toEqual([
    ['broken.yaml', expect.stringContaining('colour')],
    ['circle.yaml', 'a cycle: a waits for b waits for a'],
    ['dangling.yaml', 'there is no bead with the key nothing'],
  ]);
  await expect(create('circle')).rejects.toMatchObject({ reason: 'template-invalid' });
  expect((await home.templates.templateShow({ name: 'release' }, ann())).bead.children).toHaveLength(3);
});

test('a bead needs a title or a template', async () => {
  const lists = { labels: [], blockedBy: [], related: [], discoveredFrom: [], vars: [] };
  const none = home.beads.beadCreate({ ...lists, type: 'task', priority: 'medium', metadata: {} }, ann());
  await expect(none).rejects.toMatchObject({ reason: 'bad-input' });
});

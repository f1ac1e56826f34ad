/** Todos of real agents: written by command, live on the card, kept over every restart, and looked at when work is handed over. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent, TodoList } from '../../src/agents/schema.ts';
import type { GodelEvent } from '../../src/base/event.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { createPerson } from '../support/person.ts';

let home: TestHome;

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

const show = (name: string) => home.json<Agent>('agent', 'show', name);
const beadIn = (id: string, status: string) =>
  until(`${id} is ${status}`, async () => {
    const bead = await home.json<Bead & { todos: TodoList[] }>('bead', 'show', id);
    return bead.status === status && bead;
  });

test('an agent keeps a list; it is live on the card, in show, in events, and there after both restart', async () => {
  const steps = [
    'bash: godel todo write "[x] Read" "[>] Write" "Prove"; godel todo add "Tell"; godel todo done Read',
    'say: planned',
  ];
  const bead = await home.json<Bead>('bead', 'create', 'Planned', '--description', script(...steps));
  await home.json('agent', 'spawn', '--bead', bead.id, '--name', 'planner');
  await until('four todos', async () => (await show('planner')).todos?.length === 4);
  const person = createPerson(home);
  try {
    await person.open(120, 40);
    await person.sees('☑ 1/4');
    await home.json('todo', 'done', 'Write', '--agent', 'planner');
    await person.sees('☑ 2/4');
  } finally {
    await person.leave();
  }
  const shown = (await home.godel(['bead', 'show', bead.id])).stdout;
  expect(shown).toContain('todos of planner: 2/4 done\n 1 [x] Read\n 2 [x] Write\n 3 [ ] Prove\n 4 [ ] Tell');
  expect((await home.godel(['agent', 'show', 'planner'])).stdout).toMatch(/todos +2\/4 done/);

  process.kill(home.daemonPid(), 'SIGKILL');
  await home.json('agent', 'restart', 'planner');
  expect((await show('planner')).todos?.map(({ status }) => status)).toEqual([
    'completed',
    'completed',
    'pending',
    'pending',
  ]);
  const { items } = await home.json<{ items: GodelEvent[] }>('event', 'list', '--type', 'todo:*');
  expect(items.map(({ payload }) => payload.by)).toEqual(['planner', 'planner', expect.any(String)]);
  expect((await home.godel(['todo', 'export', 'planner'])).stdout).toContain('- [x] Write\n- [ ] Prove');
  const exported = JSON.parse((await home.godel(['todo', 'export', '--format', 'json'])).stdout) as TodoList[];
  expect(exported).toMatchObject([{ agent: 'planner', beadId: bead.id, items: { length: 4 } }]);
  expect((await home.godel(['agent', 'stop', 'planner'])).stdout).toContain('2 of its 4 todos are open');
});

test('handing over with open todos is warned about, or refused where the project says so', async () => {
  const work = (more: string) =>
    script(
      'bash: echo hi > a.txt; git add -A; git commit -qm A; godel todo write "[x] One" "Two"',
      `bash: godel done; ${more}`,
      'say: over',
    );
  const warned = await home.json<Bead>('bead', 'create', 'Warned', '--description', work('true'));
  await home.json('agent', 'spawn', '--bead', warned.id, '--name', 'hasty');
  expect((await beadIn(warned.id, 'review')).todos).toMatchObject([
    { agent: 'hasty', items: [{}, { content: 'Two' }] },
  ]);
  const result = await home.godel(['agent', 'screen', 'hasty']);
  await until('the warning', async () =>
    (await home.godel(['agent', 'logs', 'hasty'])).stdout.includes('1 of 2 todos is open'),
  );
  expect(result.code).toBe(0);

  await home.json('config', 'set', 'open_todos', 'refuse');
  const refused = await home.json<Bead>(
    'bead',
    'create',
    'Refused',
    '--description',
    work('godel bead show | grep status; godel todo done 2; godel done'),
  );
  await home.json('agent', 'spawn', '--bead', refused.id, '--name', 'held');
  await beadIn(refused.id, 'review');
  expect((await home.godel(['agent', 'logs', 'held'])).stdout).toContain('It was not handed over');
});

test('an agent writes its own list only, and a person is told which agent must be named', async () => {
  const { json, godel } = home;
  await json(
    'agent',
    'send',
    'held',
    script('bash: godel todo write --agent hasty "Mine now"; godel todo done 7', 'say: tried'),
    '--wait',
    '30',
  );
  await until('refused', async () =>
    (await godel(['agent', 'logs', 'held'])).stdout.includes('The todos of hasty are its own'),
  );
  expect((await godel(['todo', 'list'])).stderr).toContain('Whose todos?');
  const written = await json<TodoList>(
    'todo',
    'write',
    '--agent',
    'held',
    '[{"content":"From JSON","status":"in_progress"}]',
  );
  expect(written.items).toMatchObject([{ content: 'From JSON', status: 'in_progress' }]);
});

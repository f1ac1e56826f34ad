import { afterEach, describe, expect, it } from 'vitest';
import type { Bead } from '../../src/beads/schema.ts';
import { failure } from '../../src/errors.ts';
import type { BoardSnapshot } from '../../src/system/schema.ts';
import { createConnection } from '../../tui/connection.ts';
import { createController } from '../../tui/controller.ts';
import { initialModel, type Size } from '../../tui/model/state.ts';
import { startFilterSearch } from '../../tui/search.ts';
import { createStore, type Store } from '../../tui/store.ts';
import { plain } from '../../tui/theme.ts';
import { frameOf } from '../../tui/views/frame.ts';
import { idOf, makeAgent, makeBead, makeEntry, makeQueue, makeSnapshot, PROJECT_ID } from '../support/board-data.ts';
import { createFakeClient, type FakeClient } from '../support/fake-client.ts';

const WIDE: Size = { columns: 120, rows: 40 };
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Robot {
  store: Store;
  client: FakeClient;
  copied: string[];
  ran: (readonly string[])[];
  remembered: () => number;
  press(...keys: string[]): void;
  type(text: string): void;
  sees(text: string | RegExp): Promise<void>;
  screen(): string;
}

async function openBoard(snapshot: BoardSnapshot, size: Size = WIDE): Promise<Robot> {
  const store = createStore(initialModel(size, Date.now()), Date.now);
  const client = createFakeClient(snapshot);
  const connection = createConnection({ client, store, now: Date.now });
  const copied: string[] = [];
  const ran: (readonly string[])[] = [];
  let remembered = 0;
  const controller = createController(store, {
    client,
    copy: (text) => copied.push(text),
    runCli: async (args) => {
      ran.push(args);
      return { code: 0, output: 'Created bead godel-zzzzz\n' };
    },
    rememberSetup: () => (remembered += 1),
  });
  const search = startFilterSearch(client, store);
  stops.push(async () => search.stop());
  connection.start();
  stops.push(() => connection.stop());
  const screen = () => frameOf(store.get()).map(plain).join('\n');
  const robot: Robot = {
    store,
    client,
    copied,
    ran,
    remembered: () => remembered,
    press(...keys) {
      for (const key of keys) controller.press(key);
    },
    type(text) {
      for (const letter of text) controller.press(letter === ' ' ? 'space' : letter);
    },
    screen,
    async sees(text) {
      const has = () => (typeof text === 'string' ? screen().includes(text) : text.test(screen()));
      expect(await store.until(has, 4_000), `${String(text)} in\n${screen()}`).toBe(true);
    },
  };
  await robot.sees('● live');
  return robot;
}

const beads = () => [
  makeBead(0, { title: 'First card', status: 'open', priority: 'high' }),
  makeBead(1, { title: 'Second card', status: 'open', priority: 'medium' }),
  makeBead(2, { title: 'In review', status: 'review', branch: 'bead/x' }),
];
const last = (robot: Robot) => robot.client.calls.at(-1);

describe('the board', () => {
  it('shows the empty state with its next key, and makes a bead that is then selected', async () => {
    const robot = await openBoard(makeSnapshot([]));
    await robot.sees('No beads yet: press n');
    robot.press('n');
    robot.type('Fix "it" now');
    robot.press('tab');
    robot.type('With care');
    robot.press('enter');
    await robot.sees('Created');
    expect(last(robot)).toEqual({
      operation: 'beadCreate',
      input: { title: 'Fix "it" now', description: 'With care' },
    });
    expect(robot.screen()).toContain('>Fix "it" now');
  });

  it('counts the conflicts of a card, shows both values, and keeps or takes at one key', async () => {
    const robot = await openBoard(makeSnapshot([makeBead(0, { title: 'Argued', status: 'open', conflicts: 2 })]));
    await robot.sees('≠2 Argued');
    robot.press('c');
    await robot.sees('Created bead');
    expect(robot.ran.at(-1)).toEqual(['bead', 'conflicts', idOf(0)]);
    const bead = makeBead(0, { title: 'Argued', status: 'open', conflicts: 0, version: 2 });
    robot.client.answers.set('beadResolve', () => {
      robot.client.emit('bead:updated', { bead });
      return { items: [], bead };
    });
    robot.press('>');
    await robot.sees('took what was lost');
    expect(last(robot)).toEqual({ operation: 'beadResolve', input: { id: idOf(0), take: true } });
    expect(robot.screen()).not.toContain('≠');
    robot.press('<');
    await robot.sees('No other clone disagrees');
  });

  it('refuses an empty title and keeps the prompt open', async () => {
    const robot = await openBoard(makeSnapshot([]));
    robot.press('n', 'enter');
    await robot.sees('A title is needed');
    expect(robot.store.get().mode.name).toBe('prompt');
  });

  it('moves a card with the transition table, follows it, and takes the move back', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('L');
    await robot.sees('aaaa0 is in-progress');
    expect(last(robot)).toEqual({ operation: 'beadStatus', input: { id: idOf(0), status: 'in-progress' } });
    expect(robot.store.get().cursor.lane).toBe('in-progress');
    robot.press('u');
    await robot.sees('Undone');
    expect(robot.client.state.beads.find((bead) => bead.id === idOf(0))?.status).toBe('open');
    robot.press('C-r');
    await robot.sees('Redone');
    expect(robot.client.state.beads.find((bead) => bead.id === idOf(0))?.status).toBe('in-progress');
  });

  it('does not undo what somebody else changed since', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('K');
    await robot.sees('aaaa0 is critical');
    const bead = robot.client.state.beads.find((one) => one.id === idOf(0));
    robot.client.emit('bead:updated', { bead: { ...bead, priority: 'low', version: 99 } });
    await robot.store.until((model) => model.beads.get(idOf(0))?.priority === 'low', 2_000);
    const before = robot.client.calls.length;
    robot.press('u');
    await robot.sees('changed since by somebody else');
    expect(robot.client.calls.length).toBe(before);
  });

  it('never moves a card to done, and says how work gets there', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('l', 'l', 'L');
    await robot.sees('Done is proven, not moved');
    expect(robot.client.calls.some((call) => call.operation === 'beadStatus')).toBe(false);
    robot.press('a');
    await robot.sees('Landed aaaa2');
    expect(robot.client.calls.map((call) => call.operation)).toContain('reviewAccept');
  });

  it('shows the merge queue with places, times, clashes and why it is held', async () => {
    const [first, second, third] = beads() as [Bead, Bead, Bead, ...Bead[]];
    const hold = {
      kind: 'main-dirty' as const,
      message: '/repo has main checked out with uncommitted changes to: README.md.',
      command: 'Commit or stash them there; godel merge resume tries at once.',
      since: '2026-11-21T10:00:00.000Z',
    };
    const conflicted = {
      status: 'conflicted' as const,
      reason: 'conflicts with main in b.txt',
      command: 'godel merge retry',
    };
    const merge = {
      queue: makeQueue({ gateMs: 60_000, landed: 7 }),
      slots: 1,
      entries: [makeEntry(first, { status: 'gating' }), makeEntry(second, conflicted)],
      overlaps: [{ a: first.id, b: third.id, files: ['shared.txt'] }],
    };
    const robot = await openBoard(makeSnapshot(beads(), [], { merge }));
    await robot.sees('⋈ ');
    robot.press('Q');
    await robot.sees('7 landed');
    await robot.sees('gating ~');
    await robot.sees('conflicts with main in b.txt');
    await robot.sees('shared.txt');
    robot.client.emit('merge:changed', { queue: { ...merge.queue, hold } });
    await robot.sees('uncommitted changes to: README.md');
    robot.client.emit('merge:landed', { entry: makeEntry(first, { status: 'landed', version: 2 }) });
    robot.client.emit('merge:overlaps', { projectId: PROJECT_ID, overlaps: [] });
    await robot.store.until((model) => model.merge.entries.size === 1 && model.merge.overlaps.length === 0, 2_000);
    robot.press('esc');
    await robot.sees('merge queue held');
  });

  it('sends work back with a comment of several lines', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('l', 'l', 'R');
    robot.type('one');
    robot.press('M-enter');
    robot.type('two');
    robot.press('enter');
    await robot.sees('in progress again');
    expect(last(robot)).toEqual({ operation: 'reviewReturn', input: { id: idOf(2), comment: 'one\ntwo' } });
  });

  it('spawns on every marked card', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('space', 'space', 's');
    await robot.store.until((model) => model.agents.size === 2 && model.marked.size === 0, 4_000);
    const spawned = robot.client.calls.filter((call) => call.operation === 'agentSpawn').map((call) => call.input);
    expect(spawned).toEqual([{ bead: idOf(0) }, { bead: idOf(1) }]);
  });

  it('changes all marked cards with one request, takes them back with one, and does it again with one', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    const statuses = () => [0, 1].map((index) => robot.store.get().beads.get(idOf(index))?.status);
    const ids = [idOf(0), idOf(1)];
    robot.press('space', 'space', 'L');
    await robot.sees('2 cards are in-progress');
    expect(robot.client.calls.filter((call) => call.operation !== 'boardShow')).toEqual([
      { operation: 'beadBulk', input: { ids, status: 'in-progress' } },
    ]);
    expect(robot.store.get().marked.size).toBe(0);
    robot.press('u');
    await robot.sees('Undone: status of 2 cards');
    expect(last(robot)).toEqual({ operation: 'beadBulk', input: { ids, status: 'open' } });
    expect(statuses()).toEqual(['open', 'open']);
    robot.press('C-r');
    await robot.sees('Redone: status of 2 cards');
    expect(statuses()).toEqual(['in-progress', 'in-progress']);
    // One of them moves on elsewhere: none is taken back.
    robot.client.emit('bead:updated', { bead: makeBead(1, { title: 'Second card', status: 'review', version: 9 }) });
    await robot.store.until((model) => model.beads.get(idOf(1))?.status === 'review', 4_000);
    const before = robot.client.calls.length;
    robot.press('u');
    await robot.sees('was changed since by somebody else');
    expect(robot.client.calls.length).toBe(before);
  });

  it('keeps the marks when the change of many was refused', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.client.answers.set('beadBulk', () => {
      throw new Error('2 of 2 beads cannot be changed so');
    });
    robot.press('space', 'space', 'L');
    await robot.sees('cannot be changed so');
    expect(robot.store.get().marked.size).toBe(2);
    robot.press('u');
    expect(robot.store.get().done).toEqual([]);
  });

  it('stops an agent only after y', async () => {
    const agent = makeAgent(1, 'busy', { beadId: idOf(0) }, Date.now());
    const robot = await openBoard(makeSnapshot([makeBead(0, { status: 'in-progress', agent: 'worker-1' })], [agent]));
    robot.press('l', 'x');
    await robot.sees('Stop worker-1?');
    robot.press('esc');
    expect(robot.client.calls.some((call) => call.operation === 'agentStop')).toBe(false);
    robot.press('x', 'y');
    await robot.sees('Stopped worker-1');
    expect(last(robot)).toEqual({ operation: 'agentStop', input: { id: 'agent-1' } });
  });

  it('shows the question of an agent that waits and goes to it', async () => {
    const agent = makeAgent(1, 'waiting', { beadId: idOf(0) }, Date.now() - 200_000);
    agent.observed = { ...agent.observed, detail: 'Delete the table?' };
    const robot = await openBoard(makeSnapshot([makeBead(0, { status: 'in-progress', agent: 'worker-1' })], [agent]));
    robot.press('l');
    await robot.sees('worker-1 asks: Delete the table?');
    await robot.sees('waiting 3m!');
    robot.press('enter');
    await robot.sees('Went to worker-1');
    expect(last(robot)).toEqual({ operation: 'boardFocus', input: { agent: 'worker-1' } });
  });

  it('turns a refusal into what and what next, and logs it', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.client.answers.set('agentSpawn', () => {
      throw failure('provider-missing');
    });
    robot.press('s');
    await robot.sees('No LLM provider is configured');
    await robot.sees('→ godel secret set anthropic');
    robot.press('@');
    await robot.sees(`✗ godel agent spawn --bead ${idOf(0)}`);
  });

  it('filters while typing and restores the filter on Esc', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('/');
    robot.type('second');
    expect(robot.screen()).not.toContain('First card');
    robot.press('enter');
    expect(robot.screen()).toContain('/second');
    robot.press('/');
    robot.type('xyz');
    await robot.sees('No match');
    robot.press('esc');
    expect(robot.store.get().filter).toBe('second');
    robot.press('esc');
    expect(robot.screen()).toContain('First card');
  });

  it('runs a command line with quotes and completes words', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press(':');
    robot.type('bead cr');
    robot.press('tab');
    robot.type('"a b" --ty');
    robot.press('tab');
    robot.type('bu');
    robot.press('tab', 'enter');
    await robot.sees('Created bead godel-zzzzz');
    expect(robot.ran).toEqual([['bead', 'create', 'a b', '--type', 'bug']]);
  });

  it('scrolls a long text to its end and back without dead keys', async () => {
    const description = Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n');
    const robot = await openBoard(makeSnapshot([makeBead(0, { description, status: 'open' })]));
    robot.press('o', 'G');
    expect(robot.screen()).toContain('line 99');
    robot.press('k', 'k');
    expect(robot.screen()).not.toContain('line 98');
    robot.press('g');
    expect(robot.screen()).toContain('line 0');
  });

  it('finds a key in help by what it does and runs it', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.press('?');
    robot.type('copy the id');
    robot.press('enter');
    expect(robot.copied).toEqual([idOf(0)]);
  });

  it('shows what is typed where there is room for one row only', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.store.dispatch({ type: 'resize', size: { columns: 20, rows: 5 } });
    robot.press('n');
    robot.type('Fix it');
    expect(robot.screen()).toContain('>Fix it');
    robot.press('tab');
    robot.type('Soon');
    expect(robot.screen()).toContain('>Soon');
  });

  it('shows the whole reason of the selected key at 80 columns', async () => {
    const robot = await openBoard(makeSnapshot(beads()), { columns: 80, rows: 24 });
    robot.press('?');
    robot.type('diff of the bead');
    const rows = robot.screen().split('\n');
    const [first = '', second = ''] = rows.slice(rows.findIndex((row) => row.startsWith('────')) + 1);
    expect(`${first.trim()} ${second.trim()}`).toContain('(It has no branch yet; s starts an agent)');
  });

  it('asks at most three questions, writes the answers, and can be skipped', async () => {
    const robot = await openBoard(makeSnapshot([], [], { needsSetup: true }));
    robot.press(',', 'down', 'j', 'enter');
    await robot.sees('What makes a fresh checkout ready?');
    // What the files of the repository suggest is there already and can be edited.
    await robot.sees('> npm ci');
    robot.type(' --ignore-scripts');
    robot.press('enter');
    await robot.sees('What proves that work is good?');
    await robot.sees('> npm test');
    robot.press('esc');
    await robot.sees('Skipped');
    expect(robot.client.calls.filter((call) => call.operation === 'configSet').map((call) => call.input)).toEqual([
      { key: 'provider', value: 'demo' },
      { key: 'setup_command', value: 'npm ci --ignore-scripts' },
    ]);
    expect(robot.remembered()).toBe(1);
  });

  it('says when the provider that was chosen has no key yet', async () => {
    const robot = await openBoard(makeSnapshot([], [], { needsSetup: true }));
    const chosen = { key: 'provider', value: 'openai', origin: 'project' };
    robot.client.answers.set('configShow', () => ({ items: [chosen], origin: false }));
    robot.client.answers.set('providerList', () => ({ items: [] }));
    robot.press(',');
    robot.type('2');
    robot.press('enter');
    await robot.sees('What makes a fresh checkout ready?');
    robot.press('esc');
    await robot.sees('openai has no key yet');
    await robot.sees('godel secret set openai');
  });

  it('says at once that the daemon is away, disables what needs it, and comes back by itself', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.client.die();
    await robot.sees('daemon away, since');
    expect(robot.screen()).toContain('First card');
    robot.press('n');
    await robot.sees('what you see may be old');
    robot.client.state.beads = [makeBead(7, { title: 'Made meanwhile', status: 'open' })];
    robot.client.revive();
    await robot.sees('● live');
    expect(robot.screen()).toContain('Made meanwhile');
    expect(robot.screen()).not.toContain('First card');
  });

  it('reads a new snapshot when events were lost or cannot be read', async () => {
    const robot = await openBoard(makeSnapshot(beads()));
    robot.client.state.beads = [makeBead(7, { title: 'After resync', status: 'open' })];
    robot.client.resync();
    await robot.sees('After resync');
    robot.client.state.beads = [makeBead(8, { title: 'After a bad event', status: 'open' })];
    robot.client.emit('bead:updated', { bead: { nonsense: true } });
    await robot.sees('After a bad event');
  });
});

describe('the work graph on the board', () => {
  it('shows links from both ends, and what is late', async () => {
    const robot = await openBoard(
      makeSnapshot([
        makeBead(0, { title: 'Epic', status: 'open', dueAt: '2020-01-01' }),
        makeBead(1, { title: 'Part', status: 'open', priority: 'medium', parentBead: idOf(0), blockedBy: [idOf(2)] }),
        makeBead(2, { title: 'Base', status: 'in-progress', related: [idOf(0)], discoveredFrom: [idOf(0)] }),
      ]),
    );
    expect(robot.screen()).toContain('late');
    robot.press('g', 'o');
    await robot.sees('2020-01-01 (overdue)');
    await robot.sees(`sub-beads   ${idOf(1)} (open)`);
    await robot.sees(`related     ${idOf(2)} (in-progress)`);
    await robot.sees(`found here  ${idOf(2)} (in-progress)`);
    robot.press('esc', 'j', 'o');
    await robot.sees(`parent      ${idOf(0)} (open)`);
    await robot.sees(`blocked by  ${idOf(2)} (in-progress)`);
  });
});

describe('the inbox', () => {
  const item = (id: string, change: object = {}) => ({
    id,
    projectId: 'project-1',
    key: id,
    kind: 'permission' as const,
    status: 'open' as const,
    title: 'Run npm test?',
    choices: ['allow', 'deny'],
    agentId: 'agent-1',
    agentName: 'worker-1',
    tool: 'Bash',
    command: 'npm test',
    createdAt: new Date().toISOString(),
    ...change,
  });

  it('gives an item a second row in the narrow sidebar, so that what is asked can be read', async () => {
    const title = 'Run npm test in this folder?';
    const items = [item('i1', { title }), item('i2', { title: 'Second' })];
    const board = await openBoard(makeSnapshot(beads(), [makeAgent(1, 'waiting')], { inbox: items }), {
      columns: 36,
      rows: 40,
    });
    await board.sees('✉ 2');
    board.press('i');
    await board.sees(/permission +worker-1.*\n +Run npm test in this folder\? *\n permission +worker-1.*\n +Second/);
  });

  it('is where the key to the agent that waits leads, when it asked by the inbox', async () => {
    const agent = makeAgent(1, 'waiting');
    const question = { item: 'i2', kind: 'question' as const, text: 'Which key?', choices: ['staging'] };
    agent.observed = { ...agent.observed, detail: question.text, question };
    const asked = item('i2', { kind: 'question', title: 'Which key?', choices: ['staging'] });
    const board = await openBoard(makeSnapshot(beads(), [agent], { inbox: [item('i1'), asked] }));
    board.client.answers.set('inboxAnswer', () => ({ ...asked, status: 'answered' }));
    board.press('!', 'enter');
    await board.sees('✓ answered');
    expect(last(board)).toEqual({ operation: 'inboxAnswer', input: { id: 'i2', choice: 'staging' } });
  });

  it('is counted in the header, opened with one key, and answered there', async () => {
    const board = await openBoard(makeSnapshot(beads(), [makeAgent(1, 'waiting')], { inbox: [item('i1')] }));
    board.client.answers.set('inboxAnswer', (input) => {
      const { choice, always } = input as { choice: string; always?: boolean };
      const done = item('i1', { status: 'answered', answer: { choice, by: 'me', at: '', outcome: 'told worker-1' } });
      board.client.emit('inbox:answered', { item: done });
      return { ...done, always };
    });
    await board.sees('✉ 1');
    board.press('i');
    await board.sees('Bash: npm test');
    board.press('l');
    await board.sees(/allow +deny/);
    board.press('h', 'A');
    await board.sees('always from now on');
    expect(last(board)).toEqual({ operation: 'inboxAnswer', input: { id: 'i1', choice: 'allow', always: true } });
    await board.sees('Nothing waits for you');
    board.press('enter');
    await board.sees('✗ Nothing waits for you');
    board.press('esc');
    await board.sees('First card');
  });

  it('follows what opens, and takes words where words are needed', async () => {
    const board = await openBoard(makeSnapshot(beads()));
    const review = {
      kind: 'review',
      title: 'Review godel-aaaac: In review',
      choices: ['accept', 'send back'],
      beadId: idOf(2),
    };
    board.client.emit('inbox:opened', { item: item('i2', { ...review, agentId: undefined }), bell: true });
    board.client.answers.set('inboxAnswer', () => item('i2', { status: 'answered' }));
    await board.sees('✉ 1');
    board.press('i', 'tab', 'enter');
    await board.sees('send back: what shall be said');
    board.type('add a test');
    board.press('enter');
    await board.sees('✓');
    expect(last(board)?.input).toEqual({ id: 'i2', choice: 'send back', text: 'add a test' });
    board.press('o');
    await board.sees('status');
  });
});

it('shows the worktrees as they are, and reads them anew', async () => {
  const robot = await openBoard(makeSnapshot([makeBead(1)], []));
  const tree = {
    beadId: idOf(1),
    path: '/repo/.godel/worktrees/x',
    branch: 'bead/x',
    head: 'abcdef1234567',
    exists: true,
  };
  let dirty = false;
  robot.client.answers.set('worktreeList', () => ({
    items: [{ ...tree, dirty, state: 'ready', ports: { base: 20_000, end: 20_009 }, bytes: 1_500 }],
  }));
  robot.press('w');
  await robot.sees(/clean +20000-20009 +1\.5 KB/);
  dirty = true;
  robot.press('w');
  await robot.sees(/dirty +20000-20009/);
  robot.press('esc');
  await robot.sees('OPEN');
});

it('shows what was recorded of a bead: requests, the newest first, each with what it added and its answer', async () => {
  const robot = await openBoard(makeSnapshot([makeBead(1)], []));
  const recording = (requestId: string, turn: string | null) => ({
    requestId,
    at: '2026-11-27T10:00:00.000Z',
    projectId: 'p',
    agentName: 'worker-1',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    dialect: 'anthropic',
    stream: true,
    status: 200,
    outcome: 'ok',
    turn,
    requestBytes: 40_000,
    answerBytes: 900,
  });
  const turn = (id: string, parent: string | null, role: string, ...parts: unknown[]) => ({
    id,
    parent,
    role,
    at: '',
    parts,
  });
  let items = [recording('r2', 't4'), recording('r1', 't2')];
  robot.client.answers.set('recordingList', () => ({ items, pagination: { limit: 50, cursor: null, hasMore: false } }));
  robot.client.answers.set('recordingTree', () => ({
    items: [
      turn('t1', null, 'user', { text: 'mend the zebra' }),
      turn('t2', 't1', 'assistant', { call: 'bash', input: { command: 'ls' } }),
      turn('t3', 't2', 'user', { result: 'stripes.txt', failed: false }),
      turn('t4', 't3', 'assistant', { text: 'It is mended.' }),
    ],
  }));
  robot.press('V');
  await robot.sees('It is mended.');
  const screen = robot.screen();
  for (const text of ['recordings of', 'anthropic/claude-sonnet-5 200 ok', '39 KiB', 'mend the zebra', '→ bash'])
    expect(screen).toContain(text);
  expect(screen.indexOf('stripes.txt')).toBeLessThan(screen.indexOf('mend the zebra'));
  expect(last(robot)).toEqual({ operation: 'recordingTree', input: { bead: idOf(1) } });
  items = [];
  robot.press('V');
  await robot.sees('Nothing is recorded');
  robot.press('esc');
  await robot.sees('OPEN');
});

describe('search and convoys on the board', () => {
  it('finds words of descriptions and comments while a filter is typed, and selects the best', async () => {
    const note = { id: 'n1', author: 'ann', text: 'mind the zebra', createdAt: new Date().toISOString() };
    const robot = await openBoard(
      makeSnapshot([
        makeBead(0, { title: 'Plain', status: 'open', priority: 'high' }),
        makeBead(1, { title: 'Hidden', status: 'review', notes: [note] }),
        makeBead(2, { title: 'Deep', status: 'done', description: 'A zebra' }),
      ]),
    );
    robot.press('/');
    robot.type('zebra');
    await robot.sees('Hidden');
    await robot.sees('Deep');
    expect(robot.screen()).not.toContain('Plain');
    expect(robot.client.calls.map((call) => call.operation)).toContain('beadSearch');
    robot.press('enter');
    expect(robot.store.get().cursor.lane).toBe('review');
    robot.press('/');
    robot.type(' status:done');
    await robot.store.until((model) => model.lanes.review.length === 0, 4_000);
    expect(robot.screen()).toContain('Deep');
    robot.press('esc', 'esc');
    await robot.sees('Plain');
  });

  it('shows convoys with their progress, filters by one and puts one away', async () => {
    const convoy = {
      id: 'convoy-20260101-abc',
      projectId: makeBead(0).projectId,
      name: 'Sprint 1',
      beads: [idOf(0), idOf(1), idOf(2)],
      status: 'active' as const,
      createdAt: new Date().toISOString(),
      updatedAt: new Date().toISOString(),
      version: 1,
    };
    const snapshot = {
      ...makeSnapshot([
        makeBead(0, { title: 'Finished', status: 'done' }),
        makeBead(1, { title: 'Waiting', status: 'open', blockedBy: [idOf(2)] }),
        makeBead(2, { title: 'Moving', status: 'in-progress' }),
        makeBead(3, { title: 'Outside', status: 'open', dueAt: '2020-01-01' }),
      ]),
      convoys: [convoy],
    };
    const robot = await openBoard(snapshot);
    robot.press('C');
    await robot.sees('1/3');
    await robot.sees('33 % done, 1 in progress, 0 in review, 1 blocked');
    await robot.sees('unknown: too little was finished lately');
    robot.client.emit('convoy:updated', { convoy: { ...convoy, name: 'Sprint One', version: 2 } });
    await robot.sees('Sprint One');
    robot.press('enter');
    expect(robot.screen()).toContain('Waiting');
    expect(robot.screen()).not.toContain('Outside');
    robot.press('C', 'A');
    await robot.sees('archived');
    expect(last(robot)).toEqual({ operation: 'convoyArchive', input: { id: convoy.id } });
    robot.press('A');
    await robot.sees('is active');
    robot.press('esc', 'esc', 'esc', '/');
    robot.type('is:late');
    expect(robot.screen()).toContain('Outside');
    expect(robot.screen()).not.toContain('Moving');
  });
});

it('shows the conversation of an agent with its checkpoints; goes back or forks there after a question', async () => {
  const robot = await openBoard(makeSnapshot([makeBead(0, { title: 'Work', status: 'in-progress' })]));
  const turn = (id: string, parent: string | null, role: string, text: string) => ({
    id,
    parent,
    role,
    text,
    calls: [],
  });
  const session = { id: 'session-aaaa-bbbbcccc', agentName: 'worker-1' };
  robot.client.answers.set('sessionTree', () => ({
    session,
    turns: [turn('u1', null, 'user', 'Write it'), turn('a1', 'u1', 'assistant', 'Written')],
    marks: [{ turn: 'u1', text: '* checkpoint base (asked)', checkpoint: 'checkpoint-1' }],
    source: 'runtime',
  }));
  robot.client.answers.set('sessionRewind', () => ({ session, checkpoint: 'kept0001', carried: 'native' }));
  robot.client.answers.set('sessionFork', () => ({
    agent: { name: 'worker-2' },
    beadId: 'godel-fork1',
    carried: 'native',
  }));
  robot.press('l', 'T');
  await robot.sees('a1 assistant Written');
  expect(robot.screen()).toMatch(/u1 user Write it\n.*\* checkpoint base \(asked\)\n.*a1 assistant Written/);
  robot.press('k', 'b');
  await robot.sees('Put conversation and files back to “checkpoint base (asked)”?');
  // No is the answer of the key that is pressed by habit.
  robot.press('enter');
  expect(last(robot)?.operation).toBe('sessionTree');
  robot.press('T');
  await robot.sees('a1 assistant Written');
  robot.press('k', 'b', 'y');
  await robot.sees('worker-1 is back there; what was there is checkpoint kept0001');
  expect(last(robot)).toEqual({ operation: 'sessionRewind', input: { id: session.id, to: 'checkpoint-1' } });
  robot.press('T');
  await robot.sees('a1 assistant Written');
  robot.press('f', 'y');
  await robot.sees('worker-2 goes on from there on godel-fork1');
  expect(last(robot)).toEqual({ operation: 'sessionFork', input: { id: session.id, at: 'a1' } });
});

/** A program asks questions with choices: they are in the inbox, and whoever answers them, the agent goes on with those answers. */
import { afterEach, expect, test } from 'vitest';
import type { SessionTurn } from '../../src/sessions/schema.ts';
import { type FaceLife, watchFace } from '../support/face-life.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { type ProgramId, pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const about = (word: string, ...labels: string[]) => ({
  question: `Which ${word}?`,
  header: word,
  multiSelect: false,
  options: labels.map((label) => ({ label, description: `It is ${label}` })),
});
const call = (tool: string, ...questions: object[]) => `call: ${tool} ${JSON.stringify({ questions })}`;
const asks = (...questions: object[]) => call('AskUserQuestion', ...questions);

async function open(runtime: ProgramId = 'claude'): Promise<{ home: TestHome; face: FaceLife } | undefined> {
  const path = await pathWith(runtime);
  if (path === undefined) return undefined;
  home = await createHome({ PATH: path });
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('config', 'set', 'agent_permission', 'ask');
  return { home, face: watchFace(home, 'asker') };
}

/** What the model was told that a person answered, in the last turn. */
async function answerTold({ json }: TestHome): Promise<string> {
  const { turns } = await json<{ turns: SessionTurn[] }>('session', 'tree', 'asker');
  return turns.findLast((turn) => turn.role === 'tool')?.text ?? '';
}

async function waits(face: FaceLife, source: string, words: string, ...choices: string[]) {
  const item = await face.question(words);
  expect(item).toMatchObject({ kind: 'question', choices });
  const { observed } = await face.state('waiting');
  expect(observed).toMatchObject({ source, question: { kind: 'question', text: words, choices } });
  await face.sees(words);
  return item;
}

async function goesOn(face: FaceLife, words: string): Promise<void> {
  await face.sees(words);
  await face.state('idle');
  expect(await face.open()).toEqual([]);
}

test('a question with choices is answered from the inbox, and in the pane', { timeout: 300_000 }, async (context) => {
  const opened = await open();
  if (!opened) return context.skip();
  const { face } = opened;
  const first = script(asks(about('colour', 'red', 'blue')), 'say: a colour is chosen');
  await opened.home.json('agent', 'spawn', first, '--runtime', 'claude', '--name', 'asker');
  await face.answer(await waits(face, 'hook', 'Which colour?', 'red', 'blue'), 'blue');
  await goesOn(face, 'a colour is chosen');
  expect(await answerTold(opened.home)).toContain('"Which colour?"="blue"');
  expect(await face.states()).toEqual(['starting', 'idle', 'busy', 'waiting', 'busy', 'idle']);

  await face.send(script(asks(about('size', 'small', 'large')), 'say: a size is chosen'));
  await waits(face, 'hook', 'Which size?', 'small', 'large');
  await face.press('2');
  await until('the question is off the list', async () => (await face.open()).length === 0);
  await goesOn(face, 'a size is chosen');
  expect(await answerTold(opened.home)).toContain('"Which size?"="large"');
});

test.for([
  { mode: 'pane', source: 'hook', flags: [] },
  { mode: 'headless', source: 'protocol', flags: ['--headless'] },
])(
  '$mode: several questions in one are asked one after the other',
  { timeout: 300_000 },
  async ({ source, flags }, context) => {
    const opened = await open();
    if (!opened) return context.skip();
    const { face } = opened;
    const both = asks(about('shape', 'round', 'square'), about('weight', 'light', 'heavy'));
    const words = ['--runtime', 'claude', '--name', 'asker', ...flags];
    await opened.home.json('agent', 'spawn', script(both, 'say: both'), ...words);
    await face.answer(await waits(face, source, 'Which shape?', 'round', 'square'), 'square');
    const second = await face.question('Which weight?');
    expect(second).toMatchObject({ kind: 'question', choices: ['light', 'heavy'] });
    await face.answer(second, 'light');
    await goesOn(face, 'both');
    expect(await answerTold(opened.home)).toContain('"Which shape?"="square"');
    expect(await answerTold(opened.home)).toContain('"Which weight?"="light"');
  },
);

test('opencode asks several questions in one, and each is answered from the inbox', {
  timeout: 300_000,
}, async (context) => {
  const opened = await open('opencode');
  if (!opened) return context.skip();
  const { face } = opened;
  const three = [about('shape', 'round', 'square'), about('weight', 'light', 'heavy'), about('taste', 'sweet', 'sour')];
  const words = ['--runtime', 'opencode', '--name', 'asker'];
  await opened.home.json('agent', 'spawn', script(call('question', ...three), 'say: all three'), ...words);
  await face.answer(await waits(face, 'protocol', 'Which shape?', 'round', 'square'), 'square');
  await face.answer(await face.question('Which weight?'), 'light');
  await face.answer(await face.question('Which taste?'), 'sour');
  await goesOn(face, 'all three');
  const told = await answerTold(opened.home);
  for (const answer of ['square', 'light', 'sour']) expect(told).toContain(answer);
});

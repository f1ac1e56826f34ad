/** Ways through a tree of turns, and what of a conversation a model can be asked again after. */
import { expect, test } from 'vitest';
import type { SessionTurn } from '../../../src/sessions/schema.ts';
import { actionFor } from '../../../src/sessions/state.ts';
import { summaryOf, treeText } from '../../../src/sessions/text.ts';
import { pathTo, safeTurn, turnOf } from '../../../src/sessions/turns.ts';

const said = (id: string, parent: string | null, role: SessionTurn['role'], text: string): SessionTurn => ({
  id,
  parent,
  role,
  text,
  calls: [],
});
const call = (id: string, parent: string, ...calls: string[]): SessionTurn => ({
  ...said(id, parent, 'assistant', ''),
  calls: calls.map((each) => ({ id: each, tool: 'bash', input: { command: `echo ${each}` } })),
});
const result = (id: string, parent: string, callId: string): SessionTurn => ({
  ...said(id, parent, 'tool', `result of ${callId}`),
  callId,
});

const turns = [
  said('u1', null, 'user', 'Write it'),
  call('a1', 'u1', 'c1', 'c2'),
  result('r1', 'a1', 'c1'),
  result('r2', 'r1', 'c2'),
  said('a2', 'r2', 'assistant', 'Written'),
  said('u2', 'a2', 'user', 'Now test it'),
  call('a3', 'u2', 'c3'),
  said('u3', 'a2', 'user', 'No: delete it'),
];

test('a turn is found by its beginning; two that fit are told of', () => {
  expect(turnOf(turns, 'u2')).toMatchObject({ id: 'u2' });
  expect(turnOf(turns, 'u')).toBe('ambiguous');
  expect(turnOf(turns, 'x')).toBeUndefined();
});

test('a path goes from the first turn to the wanted one, past other branches', () => {
  expect(pathTo(turns, 'u3').map((turn) => turn.id)).toEqual(['u1', 'a1', 'r1', 'r2', 'a2', 'u3']);
});

test('a conversation is never cut between a call and its result', () => {
  expect(safeTurn(turns, 'a2')).toBe('a2');
  expect(safeTurn(turns, 'a1')).toBe('r2');
  expect(safeTurn(turns, 'r1')).toBe('r2');
  // The result was never written: the conversation ends before the call.
  expect(safeTurn(turns, 'a3')).toBe('u2');
  expect(safeTurn([call('a', 'none', 'c')], 'a')).toBeNull();
  expect(safeTurn(turns, 'nowhere')).toBeNull();
});

test('a tree indents what branches and shows marks below their turns', () => {
  const text = treeText(turns, [
    { turn: 'a2', text: '* checkpoint x' },
    { turn: null, text: '* at the beginning' },
  ]);
  expect(text.split('\n')).toEqual([
    '* at the beginning',
    'u1 user: Write it',
    'a1 assistant: → bash echo c1 → bash echo c2',
    'r1 tool: ← result of c1',
    'r2 tool: ← result of c2',
    'a2 assistant: Written',
    '  * checkpoint x',
    '  u2 user: Now test it',
    '  a3 assistant: → bash echo c3',
    '  u3 user: No: delete it',
  ]);
});

test('a summary tells what was asked, run and said last', () => {
  const summary = summaryOf(turns);
  for (const part of ['Write it', '- Now test it', '- echo c3', 'Written']) expect(summary).toContain(part);
});

test('the newest session follows the life of its agent; what a person archived stays so', () => {
  expect(actionFor('pending', 'executing')).toBe('start');
  expect(actionFor('active', 'paused')).toBe('pause');
  expect(actionFor('paused', 'executing')).toBe('resume');
  expect(actionFor('active', 'killed')).toBe('complete');
  expect(actionFor('failed', 'executing')).toBe('start');
  expect(actionFor('archived', 'killed')).toBeUndefined();
  expect(actionFor('archived', 'executing')).toBe('start');
  expect(actionFor('active', 'waiting')).toBeUndefined();
});

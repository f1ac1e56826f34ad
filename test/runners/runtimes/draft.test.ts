/** What a person typed into the input of a program and did not send. */
import { expect, test } from 'vitest';
import { createDraft } from '../../../runners/runtimes/host/draft.ts';

const after = (...keys: string[]) => {
  const draft = createDraft(() => 7);
  for (const each of keys) draft.typed(each);
  return draft.text();
};

test.each<[string, string[], string | undefined]>([
  ['nothing', [], ''],
  ['words', ['fix ', 'th', 'is'], 'fix this'],
  ['a character of two halves, corrected', ['a🚀', '\u007f', 'b'], 'ab'],
  ['lines', ['one\nand\\', '\r', 'two'], 'one\nand\ntwo'],
  ['a paste that comes in pieces', ['\u001b[200~a\rb', 'c\r\n\u001b[201~!'], 'a\nbc\n!'],
  ['sent', ['done\r'], ''],
  ['taken back', ['no\u0003'], ''],
  ['a line that was erased', ['no\u0015yes'], 'yes'],
  ['mouse, focus and a mode', ['a\u001b[<0;10;5M\u001b[I\u001b[Zb'], 'ab'],
  [
    'answers of the terminal',
    ['\u001bP>|tmux 3.3a\u001b\\\u001b[?1;2c\u001b[?2026;2$ya', '\u001b]11;rgb:0/0/0\u001b\\b'],
    'ab',
  ],
  ['the cursor moved to look', ['abc\u001b[D\u001b[D'], 'abc'],
  ['a turn was ended', ['\u001b', 'a'], 'a'],
  ['the input was left', ['a', '\u001b'], undefined],
  ['typed in the middle', ['abc\u001b[DX'], undefined],
  ['an earlier one was fetched', ['\u001b[A'], undefined],
  ['a file name was completed', ['@src/ma\t'], undefined],
  ['known again once it was sent', ['\u001b[A\rnext'], 'next'],
])('%s', (_name, keys, text) => expect(after(...keys)).toBe(text));

test('the time of the last key', () => {
  const draft = createDraft(() => 7);
  expect(draft.lastMs()).toBe(0);
  draft.typed('a');
  expect(draft.lastMs()).toBe(7);
});

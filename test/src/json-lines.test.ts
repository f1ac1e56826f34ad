/** Lines of JSON, read again while their file grows. */
import { expect, test } from 'vitest';
import { createLineReader, jsonLines } from '../../src/base/json-lines.ts';

test('what is no object, and a line that was cut, is passed over', () => {
  expect(jsonLines('{"a":1}\n\n[2]\nthree\n{"b":2}\n{"c":')).toEqual([{ a: 1 }, { b: 2 }]);
});

test('a text that grows is read as if it were read whole, at every length, also when it begins anew', () => {
  const text = '{"n":1}\n{"ü":"\\n"}\nnoise\n{"n":3}\n{"n":4}';
  const read = createLineReader();
  for (let length = 0; length <= text.length; length += 1)
    expect(read(text.slice(0, length))).toEqual(jsonLines(text.slice(0, length)));
  for (const other of ['{"n":9}\n', '', '{"n":1}\n{"n":2}\n', text]) expect(read(other)).toEqual(jsonLines(other));
});

test('a line that was read once is the same object at the next reading', () => {
  const read = createLineReader();
  const [first] = read('{"n":1}\n{"n"');
  const again = read('{"n":1}\n{"n":2}\n');
  expect(again[0]).toBe(first);
  expect(again).toEqual([{ n: 1 }, { n: 2 }]);
});

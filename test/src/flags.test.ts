import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { operation } from '../../src/base/operation.ts';
import { COMMAND_GROUPS, NOUN_SUMMARIES } from '../../src/cli/command-groups.ts';
import { fieldsOf, toOption } from '../../src/cli/flags.ts';
import { operations } from '../../src/operations.ts';

describe('the text of a flag', () => {
  test('tells the default when there is one, and nothing when there is none', () => {
    const example = operation({
      name: 'example run',
      http: { method: 'GET', path: '/example' },
      summary: 'An example',
      input: z.object({
        some: z.string().optional().describe('Some'),
        more: z.number().default(3).describe('More'),
        less: z.boolean().default(false).describe('Less'),
      }),
      output: z.object({}),
      permission: 'example:read',
      scope: 'home',
      examples: [],
      text: () => '',
    });
    expect(fieldsOf(example).map((field) => toOption(field).description)).toEqual([
      'Some',
      'More (default: 3)',
      'Less',
    ]);
  });

  test('never says undefined, in no command', () => {
    const texts = Object.values(operations).flatMap((each) =>
      fieldsOf(each).map((field) => toOption(field).description),
    );
    expect(texts.length).toBeGreaterThan(100);
    expect(texts.filter((text) => text.includes('undefined'))).toEqual([]);
  });
});

describe('the list of commands', () => {
  const names = Object.values(operations as Record<string, { name: string; aliases?: readonly string[] }>);
  const nouns = new Set(names.map(({ name }) => name.split(' ')[0] ?? ''));
  const short = names.flatMap(({ aliases }) => aliases ?? []).map((alias) => alias.split(' ')[0] ?? '');

  test('has each noun and each short form in one group, and says what each noun is for', () => {
    const grouped = COMMAND_GROUPS.flatMap(({ words }) => words);
    expect(grouped).toHaveLength(new Set(grouped).size);
    expect([...nouns, ...short].filter((word) => !grouped.includes(word))).toEqual([]);
    expect([...nouns].filter((noun) => !NOUN_SUMMARIES[noun])).toEqual([]);
  });
});

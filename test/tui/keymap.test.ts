import { describe, expect, it } from 'vitest';
import { operations } from '../../src/operations.ts';
import { callHandlers } from '../../tui/controller.ts';
import { helpEntries, hintsFor, keymapTable } from '../../tui/help.ts';
import { clashes } from '../../tui/key-table.ts';
import { callActions, keymap } from '../../tui/keymap.ts';
import { reduce } from '../../tui/model/reduce.ts';
import { initialModel } from '../../tui/model/state.ts';
import { uiActions } from '../../tui/model/ui.ts';
import { reviewKeymap } from '../../tui/review/keymap.ts';
import { sampleSnapshot } from '../support/board-data.ts';

const model = reduce(
  initialModel({ columns: 36, rows: 48 }, 0),
  { type: 'snapshot', snapshot: sampleSnapshot(40, 0) },
  1,
);

describe('the table of keys', () => {
  it('binds no key twice in one mode', () => {
    expect(clashes(keymap)).toEqual([]);
    expect(clashes(reviewKeymap)).toEqual([]);
  });

  it('finds a clash when there is one', () => {
    expect(
      clashes([
        { action: 'a', modes: ['board'], keys: ['j'] },
        { action: 'b', modes: ['board'], keys: ['j'] },
      ]),
    ).toEqual(['board j: a and b']);
  });

  it('names operations that exist and actions that have a handler', () => {
    for (const binding of keymap) {
      if (binding.operation) expect(operations[binding.operation], binding.action).toBeDefined();
      expect(binding.action in uiActions || binding.action in callHandlers, binding.action).toBe(true);
    }
    for (const action of callActions)
      expect(
        keymap.some((binding) => binding.action === action),
        action,
      ).toBe(true);
  });

  it('shows a way out in every mode that is not the board', () => {
    for (const mode of [
      'detail',
      'filter',
      'command',
      'prompt',
      'confirm',
      'help',
      'log',
      'queue',
      'output',
      'setup',
    ] as const) {
      expect(
        keymap.some((binding) => binding.modes.includes(mode) && binding.keys.includes('esc')),
        mode,
      ).toBe(true);
    }
  });

  it('gives hints, help and docs from the same table', () => {
    expect(hintsFor(model).at(0)).toEqual({ key: 'n', text: 'new', disabled: true });
    const help = reduce(model, { type: 'ui', action: 'openHelp' }, 2);
    const found = helpEntries(reduce(help, { type: 'insert', text: 'mark the' }, 3));
    expect(found.map((entry) => entry.binding.action)).toEqual(['toggleMark']);
    expect(keymapTable('board')).toContain('| `n` | Make a bead |');
  });

  it('says why an entry is disabled', () => {
    const help = helpEntries(reduce(model, { type: 'ui', action: 'openHelp' }, 2));
    expect(help.find((entry) => entry.binding.action === 'promptCreate')?.reason).toBe(
      'Still connecting to the daemon',
    );
  });
});

/** Everything read off the keymap: bottom hints, the `?` list, and the tables of the docs. */
import { keyLabel } from './key-label.ts';
import { type Binding, keymap } from './keymap.ts';
import type { Model, ModeName } from './model/state.ts';

export interface Hint {
  readonly key: string;
  readonly text: string;
  readonly disabled: boolean;
}

/** Hints of the mode, in order of the table; disabled ones stay at their place. */
export function hintsFor(model: Model): Hint[] {
  return keymap
    .filter((binding) => binding.hint !== undefined && binding.modes.includes(model.mode.name))
    .filter((binding) => binding.action !== 'nextField' || binding.disabledReason?.(model) === undefined)
    .map((binding) => ({
      key: keyLabel(binding.keys[0] ?? ''),
      text: binding.hint ?? '',
      disabled: binding.disabledReason?.(model) !== undefined,
    }));
}

export interface HelpEntry {
  readonly binding: Binding;
  readonly keys: string;
  readonly reason: string | undefined;
}

/** Entries of the mode that help was opened from whose key or text holds every word typed. */
export function helpEntries(model: Model): HelpEntry[] {
  if (model.mode.name !== 'help') return [];
  const from: ModeName = model.mode.from === undefined ? 'board' : 'detail';
  const behind: Model = {
    ...model,
    mode: model.mode.from === undefined ? { name: 'board' } : { name: 'detail', beadId: model.mode.from, scroll: 0 },
  };
  const typed = model.mode.input.text;
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return keymap
    .filter((binding) => binding.modes.includes(from) && binding.action !== 'openHelp')
    .map((binding) => ({
      binding,
      keys: binding.keys.map(keyLabel).join(' '),
      reason: binding.disabledReason?.(behind),
    }))
    .filter(
      ({ binding, keys }) =>
        binding.keys.includes(typed) ||
        words.every((word) => `${keys} ${binding.tooltip} ${binding.hint ?? ''}`.toLowerCase().includes(word)),
    )
    .sort((a, b) => Number(b.binding.keys.includes(typed)) - Number(a.binding.keys.includes(typed)));
}

/** A Markdown table of the keys of `mode`, for the README. */
export function keymapTable(mode: ModeName): string {
  const rows = keymap
    .filter((binding) => binding.modes.includes(mode))
    .map(
      (binding) =>
        `| ${binding.keys.map((key) => `\`${key === '|' ? '\\|' : key}\``).join(' ')} | ${binding.tooltip} |`,
    );
  return ['| key | what it does |', '| --- | --- |', ...rows].join('\n');
}

/** What the screen should be, as commands: pure. */
import { describe, expect, test } from 'vitest';
import type { Pane } from '../../../tui/layout/panes.ts';
import { missingPages, plan } from '../../../tui/layout/plan.ts';

const hold = '=hold:';

function pane(id: string, kind: Pane['kind'], change: Partial<Pane> = {}): Pane {
  const base = { session: 's', window: '@1', width: 160, height: 43, zoomed: false, layout: 'x', dead: false };
  return { ...base, pane: id, kind, autoZoomed: false, active: kind === 'board', ...change };
}

const names = (commands: readonly (readonly string[])[]) => commands.map(([name]) => name);

describe('pages', () => {
  test('a page is missing for every nine agents that are too many', () => {
    const wanted = Array.from({ length: 19 }, (_, index) => `%${index + 10}`);
    expect(missingPages([pane('%1', 'board')], wanted)).toBe(2);
    expect(missingPages([pane('%1', 'board')], wanted.slice(0, 9))).toBe(0);
  });

  test('agents are joined and the window gets its layout once, at the end', () => {
    const commands = plan({ panes: [pane('%1', 'board')], wanted: ['%2', '%3'], hold });
    expect(names(commands)).toEqual(['select-layout', 'join-pane', 'select-layout', 'join-pane', 'select-layout']);
    expect(commands.at(-1)?.[3]).toMatch(/^[0-9a-f]{4},160x43,0,0\{36x43,0,0,1,/);
  });

  test('nothing is done when everything is where it belongs', () => {
    const [layout = ''] =
      plan({ panes: [pane('%1', 'board'), pane('%2', 'agent')], wanted: ['%2'], hold })[0]?.slice(3) ?? [];
    const panes = [pane('%1', 'board', { layout }), pane('%2', 'agent', { layout })];
    expect(plan({ panes, wanted: ['%2'], hold })).toEqual([]);
  });

  test('an agent that is no longer wanted goes to the hold, and the rest closes up', () => {
    const panes = [pane('%1', 'board'), pane('%2', 'agent'), pane('%3', 'agent')];
    const commands = plan({ panes, wanted: ['%3'], hold });
    expect(commands[0]).toEqual(['break-pane', '-d', '-s', '%2', '-t', hold]);
    expect(names(commands)).toEqual(['break-pane', 'select-layout']);
    expect(commands[1]?.[3]).toMatch(/\{36x43,0,0,1,123x43,37,0,3\}$/);
  });

  test('a page without agents is closed and the board saved from it', () => {
    const page = { window: '@2' };
    const panes = [
      pane('%4', 'placeholder'),
      pane('%2', 'agent'),
      pane('%1', 'board', page),
      pane('%9', 'agent', page),
    ];
    const commands = plan({ panes, wanted: ['%2'], hold });
    expect(commands).toContainEqual(['swap-pane', '-d', '-s', '%1', '-t', '%4']);
    expect(commands).toContainEqual(['kill-window', '-t', '@2']);
  });

  test('agents stand in the order of all agents, whichever came first', () => {
    const panes = [pane('%1', 'board'), pane('%4', 'agent'), pane('%2', 'agent')];
    const commands = plan({ panes, wanted: ['%2', '%3', '%4'], hold });
    expect(commands.filter(([name]) => name === 'swap-pane')).toEqual([
      ['swap-pane', '-d', '-s', '%2', '-t', '%4'],
      ['swap-pane', '-d', '-s', '%3', '-t', '%4'],
    ]);
    expect(commands.at(-1)?.[3]).toMatch(/37,0,2,.*,3\}?,.*,4/);
  });

  test('a window too narrow to be split keeps what it has', () => {
    expect(plan({ panes: [pane('%1', 'board', { width: 12, height: 4 })], wanted: ['%2'], hold })).toEqual([]);
  });
});

describe('zoom', () => {
  test('a person’s zoom outlives agents that come and go', () => {
    const zoomed = { zoomed: true };
    const panes = [pane('%1', 'board', { ...zoomed, active: false }), pane('%2', 'agent', { ...zoomed, active: true })];
    const coming = plan({ panes, wanted: ['%2', '%3'], hold });
    expect(coming.at(-1)).toEqual(['if-shell', '-F', '-t', '%2', '#{?window_zoomed_flag,0,1}', 'resize-pane -Z -t %2']);
    expect(names(coming).at(-2)).toBe('select-layout');
    // The zoomed agent itself goes: nothing is left to be zoomed.
    expect(names(plan({ panes, wanted: [], hold }))).toEqual(['break-pane']);
  });

  test('a narrow window shows one pane, over a layout that keys can find their way in', () => {
    const narrow = { width: 80, height: 24 };
    const panes = [pane('%1', 'board', narrow), pane('%2', 'agent', narrow)];
    expect(names(plan({ panes, wanted: ['%2'], hold }))).toEqual(['select-layout', 'if-shell', 'set-option']);
  });

  test('Godel’s own zoom ends when there is room again', () => {
    const wide = { zoomed: true, autoZoomed: true };
    const commands = plan({ panes: [pane('%1', 'board', wide), pane('%2', 'agent', wide)], wanted: ['%2'], hold });
    expect(names(commands)).toEqual(['if-shell', 'set-option', 'select-layout']);
  });
});

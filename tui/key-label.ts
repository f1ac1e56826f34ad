/** How keys are written on the screen. */

const SHOWN: Readonly<Record<string, string>> = {
  enter: '⏎',
  esc: 'Esc',
  tab: 'Tab',
  space: 'Space',
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
};

export function keyLabel(key: string): string {
  return SHOWN[key] ?? key;
}

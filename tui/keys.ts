/** Names of keys, from what the terminal library reports. */

/** The part of ink's key object that is read here. */
export interface PressedKey {
  readonly upArrow: boolean;
  readonly downArrow: boolean;
  readonly leftArrow: boolean;
  readonly rightArrow: boolean;
  readonly pageDown: boolean;
  readonly pageUp: boolean;
  readonly home: boolean;
  readonly end: boolean;
  readonly return: boolean;
  readonly escape: boolean;
  readonly ctrl: boolean;
  readonly shift: boolean;
  readonly tab: boolean;
  readonly backspace: boolean;
  readonly delete: boolean;
  readonly meta: boolean;
}

const SPECIAL = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageDown', 'pagedown'],
  ['pageUp', 'pageup'],
  ['home', 'home'],
  ['end', 'end'],
  ['backspace', 'backspace'],
  ['delete', 'delete'],
] as const;

const CONTROL: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'C-j',
  '\t': 'tab',
  ' ': 'space',
  '\u001b': 'esc',
};

function characterName(character: string): string | undefined {
  const named = CONTROL[character];
  if (named) return named;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 1 && code <= 26) return `C-${String.fromCharCode(code + 96)}`;
  return code < 32 || code === 127 ? undefined : character;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Keys pressed fast arrive as one string: each of its characters is a key of its own. */
export function keyNames(input: string, key: PressedKey): string[] {
  if (key.return) return [key.meta ? 'M-enter' : 'enter'];
  if (key.tab) return [key.shift ? 'S-tab' : 'tab'];
  if (key.escape) return ['esc'];
  const special = SPECIAL.find(([flag]) => key[flag]);
  if (special) return [`${key.ctrl ? 'C-' : key.shift ? 'S-' : ''}${special[1]}`];
  if (key.ctrl && input.length > 0) return [input === ' ' ? 'C-space' : `C-${input}`];
  if (key.meta && input.length > 0) return [`M-${input}`];
  return [...segmenter.segment(input)].flatMap(({ segment }) => {
    const name = segment === '\r\n' ? 'enter' : characterName(segment);
    return name === undefined ? [] : [name];
  });
}

/** The character a key types, or undefined when it is no text. */
export function typedBy(name: string): string | undefined {
  if (name === 'space') return ' ';
  const [first, ...rest] = segmenter.segment(name);
  return first !== undefined && rest.length === 0 ? first.segment : undefined;
}

/** Ink's part: keys and pastes in. What is shown is written by `writer.ts`, which is far cheaper than a tree of cells. */
import { useInput, usePaste } from 'ink';
import { keyNames } from '../keys.ts';

export interface KeysProps {
  readonly onKey: (key: string) => void;
  readonly onPaste: (text: string) => void;
}

export function Keys({ onKey, onPaste }: KeysProps) {
  useInput((input, key) => {
    for (const name of keyNames(input, key)) onKey(name);
  });
  usePaste(onPaste);
  return null;
}

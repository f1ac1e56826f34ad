/** Ink's part: one memoised Text a row, keys and pastes in. */
import { Box, Text, useInput, usePaste } from 'ink';
import { memo, useSyncExternalStore } from 'react';
import { keyNames } from '../keys.ts';
import type { ScreenSource } from './screen-source.ts';

const Row = memo(function Row({ text }: { readonly text: string }) {
  return <Text wrap="truncate-end">{text === '' ? ' ' : text}</Text>;
});

export interface ScreenProps {
  readonly source: ScreenSource;
  readonly onKey: (key: string) => void;
  readonly onPaste: (text: string) => void;
}

export function Screen({ source, onKey, onPaste }: ScreenProps) {
  const rows = useSyncExternalStore(source.subscribe, source.rows);
  useInput((input, key) => {
    for (const name of keyNames(input, key)) onKey(name);
  });
  usePaste(onPaste);
  return (
    <Box flexDirection="column" height={rows.length}>
      {rows.map((text, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place on the screen.
        <Row key={index} text={text} />
      ))}
    </Box>
  );
}

/** The formats by name, and which one a text is in. Pure. */
import { bd } from './bd.ts';
import type { Draft, Format } from './draft.ts';
import { github } from './github.ts';
import { jsonl } from './jsonl.ts';
import { markdown } from './markdown.ts';
import type { FormatName } from './schema.ts';

export const formats: Readonly<Record<FormatName, Format>> = { jsonl, markdown, github, bd };

/** By what only one of them has. */
export function detectFormat(text: string): FormatName | undefined {
  const start = text.trimStart();
  if (start.startsWith('[') && !/^\[[ xX/?]\]/.test(start)) return 'github';
  if (start.startsWith('{')) {
    const first = start.slice(0, start.indexOf('\n') < 0 ? undefined : start.indexOf('\n'));
    return /"uid"\s*:/.test(first) ? 'jsonl' : 'bd';
  }
  return /^\s*[-*+] \[.\] /m.test(text) ? 'markdown' : undefined;
}

/** Drafts with keys that are unique. @throws Error that says what is wrong */
export function readDrafts(name: FormatName, text: string): Draft[] {
  const drafts = formats[name].parse(text);
  const keys = new Set<string>();
  for (const draft of drafts) {
    if (keys.has(draft.key)) throw new Error(`"${draft.key}" is there twice`);
    keys.add(draft.key);
  }
  return drafts;
}

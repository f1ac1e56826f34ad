/**
 * Markdown checklists: an item is a bead, an item below it a sub-bead, text below it its description. After the title
 * may stand #labels, !priority, type:bug, due:2026-12-24, needs:<id>; an id in a comment makes it the same bead again.
 */
import { createHash } from 'node:crypto';
import { BEAD_ID, type Bead, beadTypeSchema, prioritySchema } from '../beads/schema.ts';
import { type Draft, EMPTY_DRAFT, type Format } from './draft.ts';

const ITEM = /^(\s*)[-*+] \[(.)\] (.*)$/;
const MARKS: Readonly<Record<string, Bead['status']>> = {
  ' ': 'open',
  '/': 'in-progress',
  '?': 'review',
  x: 'done',
  X: 'done',
};
const MARK: Readonly<Record<Bead['status'], string>> = { open: ' ', 'in-progress': '/', review: '?', done: 'x' };
/** A word that says something, with as many backslashes before it as take that meaning away. */
const SPEAKING = /^(\\*)(#|!|type:|due:|needs:|<!--)/;

const widthOf = (indent: string) => indent.replaceAll('\t', '    ').length;

interface Words {
  title: string;
  labels: string[];
  blockedBy: string[];
  type?: Bead['type'];
  priority?: Bead['priority'];
  dueAt?: string;
  id?: string;
}

/** Takes one word off the end of an item; false when it is part of the title. */
function takeWord(word: string, found: Words): boolean {
  const [kind = '', value = ''] = [word.slice(0, word.indexOf(':')), word.slice(word.indexOf(':') + 1)];
  if (/^#[^\s#]+$/.test(word)) found.labels.unshift(decodeURIComponent(word.slice(1)));
  else if (word.startsWith('!') && prioritySchema.safeParse(word.slice(1)).success)
    found.priority = word.slice(1) as Bead['priority'];
  else if (kind === 'type' && beadTypeSchema.safeParse(value).success) found.type = value as Bead['type'];
  else if (kind === 'due' && !Number.isNaN(Date.parse(value))) found.dueAt = value;
  else if (kind === 'needs' && BEAD_ID.test(value)) found.blockedBy.unshift(value);
  else return false;
  return true;
}

function readItem(text: string): Words {
  const found: Words = { title: '', labels: [], blockedBy: [] };
  const id = /\s*<!-- (godel-[a-z0-9]{5}) -->\s*$/.exec(text);
  if (id?.[1]) found.id = id[1];
  const words = (id ? text.slice(0, id.index) : text).trim().split(/\s+/);
  while (words.length > 1 && takeWord(words.at(-1) ?? '', found)) words.pop();
  found.title = words.map((word) => (/^\\+(#|!|type:|due:|needs:|<!--)/.test(word) ? word.slice(1) : word)).join(' ');
  return found;
}

interface Open {
  indent: number;
  draft: Draft;
  path: string;
  text: string[];
}

/** The same title at the same place is the same bead, however often the list is read. */
function keyOf(path: string, seen: Map<string, number>): string {
  const count = (seen.get(path) ?? 0) + 1;
  seen.set(path, count);
  return createHash('sha256').update(`${path}\n${count}`).digest('hex').slice(0, 16);
}

const leading = (line: string) => line.length - line.trimStart().length;

function describe({ draft, text }: Open): Draft {
  const indent = Math.min(...text.filter((line) => line.trim() !== '').map(leading));
  const inner = text.map((line) => line.slice(Math.min(leading(line), indent)));
  const description = inner
    .map((line) => line.replace(/^(\s*)\\(\\*[-*+] \[)/, '$1$2'))
    .join('\n')
    .replace(/^\n+|\s+$/g, '');
  return description === '' ? draft : { ...draft, description };
}

function parse(text: string): Draft[] {
  const all: Open[] = [];
  let stack: Open[] = [];
  const seen = new Map<string, number>();
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    const item = ITEM.exec(line);
    const status = item && MARKS[item[2] ?? ''];
    if (!item || !status) {
      const last = stack.at(-1);
      // Text that is not indented below an item belongs to the page.
      if (last && (line.trim() === '' || widthOf(/^\s*/.exec(line)?.[0] ?? '') > last.indent)) last.text.push(line);
      else if (line.trim() !== '') stack = [];
      continue;
    }
    const indent = widthOf(item[1] ?? '');
    stack = stack.filter((open) => open.indent < indent);
    const above = stack.at(-1);
    const { title, id, ...words } = readItem(item[3] ?? '');
    const path = `${above?.path ?? ''}/${title}`;
    const key = id ?? keyOf(path, seen);
    const draft: Draft = {
      ...EMPTY_DRAFT,
      ...words,
      key,
      externalId: `md:${key}`,
      id,
      title,
      status,
      parent: above?.draft.key,
    };
    const open: Open = { indent, draft, path, text: [] };
    all.push(open);
    stack.push(open);
  }
  return all.map(describe);
}

function wordsOf(bead: Bead): string[] {
  return [
    ...bead.labels.map((label) => `#${encodeURIComponent(label)}`),
    ...(bead.type === 'task' ? [] : [`type:${bead.type}`]),
    ...(bead.priority === 'medium' ? [] : [`!${bead.priority}`]),
    ...(bead.dueAt === undefined ? [] : [`due:${bead.dueAt}`]),
    ...bead.blockedBy.map((id) => `needs:${id}`),
  ];
}

function itemLines(bead: Bead, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const title = bead.title
    .split(' ')
    .map((word) => (SPEAKING.test(word) ? `\\${word}` : word))
    .join(' ');
  const first = `${indent}- [${MARK[bead.status]}] ${[title, ...wordsOf(bead)].join(' ')} <!-- ${bead.id} -->`;
  const description = (bead.description ?? '').split('\n').map((line) => {
    const escaped = line.replace(/^(\s*)(\\*[-*+] \[)/, '$1\\$2');
    return escaped === '' ? '' : `${indent}  ${escaped}`;
  });
  return bead.description ? [first, ...description] : [first];
}

function render(beads: readonly Bead[]): string {
  const ids = new Set(beads.map((bead) => bead.id));
  const children = new Map<string | undefined, Bead[]>();
  for (const bead of beads) {
    const parent = bead.parentBead !== undefined && ids.has(bead.parentBead) ? bead.parentBead : undefined;
    children.set(parent, [...(children.get(parent) ?? []), bead]);
  }
  const lines: string[] = [];
  const visit = (bead: Bead, depth: number): void => {
    lines.push(...itemLines(bead, depth));
    for (const child of children.get(bead.id) ?? []) visit(child, depth + 1);
  };
  for (const root of children.get(undefined) ?? []) visit(root, 0);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

export const markdown: Format = { parse, render };

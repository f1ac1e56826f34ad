/** Conversations as a person reads them, and as files. Pure. */
import type { Session, SessionTurn } from './schema.ts';
import { walk } from './turns.ts';

const LINE_LENGTH = 100;

/** Ids are ordered by time, or random: their ends tell them apart. */
export const shortId = (id: string): string => id.slice(-8);

const oneLine = (text: string, length: number) => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
};

const callText = ({ tool, input }: SessionTurn['calls'][number]) => {
  const values = Object.values(input);
  return `→ ${tool} ${values.length === 1 && typeof values[0] === 'string' ? values[0] : JSON.stringify(input)}`;
};

/** A turn in one line. */
export function turnLine(turn: SessionTurn, length = LINE_LENGTH): string {
  const said = turn.role === 'tool' ? `← ${turn.failed ? 'error: ' : ''}${turn.text}` : turn.text;
  return `${shortId(turn.id)} ${turn.role}: ${oneLine([said, ...turn.calls.map(callText)].join(' '), length)}`;
}

/** What hangs on a turn in a tree: checkpoints, and sessions that go on from it. */
export interface Mark {
  turn: string | null;
  text: string;
  /** The checkpoint it stands for. */
  checkpoint?: string | undefined;
}

/** A line of a tree, with what it stands for. */
export interface TreeRow {
  text: string;
  turn?: string | undefined;
  checkpoint?: string | undefined;
}

/** One line a turn; what branches is indented, and marks stand below the turn they belong to. */
export function treeRows(turns: readonly SessionTurn[], marks: readonly Mark[]): TreeRow[] {
  const known = new Set(turns.map((turn) => turn.id));
  const at = Map.groupBy(marks, (mark) => (mark.turn !== null && known.has(mark.turn) ? mark.turn : null));
  const rowsOf = (turn: string | null, indent: string) =>
    (at.get(turn) ?? []).map(({ text, checkpoint }): TreeRow => ({ text: `${indent}${text}`, checkpoint }));
  const rows = rowsOf(null, '');
  for (const { turn, depth } of walk(turns)) {
    const indent = '  '.repeat(depth);
    rows.push({ text: `${indent}${turnLine(turn)}`, turn: turn.id }, ...rowsOf(turn.id, `${indent}  `));
  }
  return rows;
}

export const treeText = (turns: readonly SessionTurn[], marks: readonly Mark[]): string =>
  treeRows(turns, marks)
    .map((row) => row.text)
    .join('\n');

const fenced = (text: string) => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.replace(/\n$/, '')}\n${fence}`;
};

const TITLES = { user: 'User', assistant: 'Assistant', tool: 'Result', summary: 'Summary of what was before' } as const;

function turnMarkdown(turn: SessionTurn): string {
  const head = `## ${TITLES[turn.role]}${turn.at === undefined ? '' : `, ${turn.at}`}`;
  const body = turn.role === 'tool' ? fenced(turn.text || '(nothing)') : turn.text;
  const calls = turn.calls.map((call) => `**${call.tool}**\n${fenced(JSON.stringify(call.input, null, 2))}`);
  return [head, body, ...calls].filter((part) => part !== '').join('\n\n');
}

/** The conversation as a document. */
export function markdown(session: Session, turns: readonly SessionTurn[]): string {
  const facts = [
    `- session ${session.id} (${session.origin}), ${session.status}`,
    `- agent ${session.agentName}, ${session.runtime}${session.model === undefined ? '' : `, ${session.model}`}`,
    ...(session.beadId === undefined ? [] : [`- bead ${session.beadId}`]),
    ...(session.parentId === undefined ? [] : [`- goes on from session ${session.parentId}`]),
  ];
  const title = `# Conversation of ${session.agentName}`;
  return `${[title, facts.join('\n'), ...turns.map(turnMarkdown)].join('\n\n')}\n`;
}

const SAID_LENGTH = 1_500;
const MOST_FILES = 30;

/** Paths that tools wrote to, as far as their input says so. */
function writtenFiles(turns: readonly SessionTurn[]): string[] {
  const files = turns.flatMap((turn) =>
    turn.calls
      .filter((call) => /write|edit|patch/i.test(call.tool))
      .flatMap(({ input }) => [input.path, input.file_path, input.filePath]),
  );
  return [...new Set(files.filter((file): file is string => typeof file === 'string'))].slice(-MOST_FILES);
}

const cut = (text: string) => (text.length > SAID_LENGTH ? `${text.slice(0, SAID_LENGTH)} […]` : text);
const FENCED_DEMO = /^```demo\n[\s\S]*?^```\s*$/gm;

/**
 * What somebody who goes on with the work needs to know: what was asked, what was done, what was said last. Made of the words
 * of the conversation alone, so it costs nothing and invents nothing.
 */
export function summaryOf(turns: readonly SessionTurn[]): string {
  const asked = turns
    .filter((turn) => turn.role === 'user')
    .map((turn) => turn.text.replaceAll(FENCED_DEMO, '').trim());
  const requests = asked.filter((text) => text !== '');
  const commands = turns.flatMap((turn) =>
    turn.calls.filter((call) => typeof (call.input.command ?? call.input.cmd) === 'string'),
  );
  const last = turns.findLast((turn) => turn.role === 'assistant' && turn.text !== '');
  const files = writtenFiles(turns);
  const [first, ...later] = requests;
  return [
    ...(first === undefined ? [] : ['What was asked first:', cut(first)]),
    ...(later.length === 0
      ? []
      : ['', 'What was asked since:', ...later.slice(-10).map((text) => `- ${oneLine(text, 300)}`)]),
    ...(files.length === 0 ? [] : ['', 'Files that were written:', ...files.map((file) => `- ${file}`)]),
    ...(commands.length === 0
      ? []
      : [
          '',
          'Commands that were run last:',
          ...commands.slice(-10).map((call) => `- ${oneLine(String(call.input.command ?? call.input.cmd), 200)}`),
        ]),
    ...(last === undefined ? [] : ['', 'What the agent said last:', cut(last.text)]),
  ].join('\n');
}

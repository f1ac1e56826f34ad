/** Full-screen panels: a bead, help, the log, a command's output, the first questions. */
import { stripVTControlCharacters } from 'node:util';
import type { Bead } from '../../src/beads/schema.ts';
import { isOverdue } from '../../src/beads/state.ts';
import { todoLines } from '../../src/todos/text.ts';
import { type HelpEntry, helpEntries } from '../help.ts';
import { stateText } from '../model/age.ts';
import { agentOf } from '../model/lanes.ts';
import { clashText, queueText } from '../model/merge.ts';
import { relationsOf } from '../model/relations.ts';
import { setupSteps, wrapIndex } from '../model/setup.ts';
import type { Mode, Model } from '../model/state.ts';
import { clean, cut, pad, width, wrap } from '../model/text.ts';
import { LANE_TITLE, type Line, type Span } from '../theme.ts';
import { convoysPanel } from './convoys.ts';
import { inboxPanel } from './inbox.ts';
import { inputLines } from './input-lines.ts';
import { cutLine, ends, fillRows, restyled, span } from './lines.ts';
import { queueBody } from './queue-panel.ts';
import { sessionPanel } from './session.ts';

type ModeOf<N extends Mode['name']> = Extract<Mode, { name: N }>;

function rule(title: string, cells: number, right = ''): Line {
  return ends([span(` ${title} `, { bold: true, inverse: true })], [span(right, { color: 'gray' })], cells);
}

/** Rows of a long body from `scroll` on, with how much is hidden in the title. */
function scrolled({ title, body, scroll }: Scrolling, cells: number, rows: number): Line[] {
  const room = Math.max(1, rows - 1);
  const top = Math.max(0, Math.min(scroll, body.length - room));
  const place = body.length > room ? `${top + 1}–${Math.min(body.length, top + room)} of ${body.length} ` : '';
  return [rule(title, cells, place), ...fillRows(body.slice(top, top + room), room)];
}

function fact(name: string, value: string | undefined, cells: number): Line[] {
  if (!value) return [];
  return wrap(value, Math.max(8, cells - 13)).map(
    (row, index): Line => [span(` ${(index === 0 ? name : '').padEnd(11)} `, { color: 'gray' }), span(row)],
  );
}

function section(title: string, rows: readonly Line[]): Line[] {
  return rows.length === 0 ? [] : [[], [span(` ${title}`, { bold: true })], ...rows];
}

function proofText(bead: Bead): string | undefined {
  const { proof } = bead;
  if (!proof) return undefined;
  const command = proof.command || '(no proof command is set)';
  return `${command} → exit ${proof.exitCode} in ${Math.round(proof.durationMs)} ms, tree ${proof.treeHash.slice(0, 10)}${proof.dirty ? ', uncommitted files were present' : ''}`;
}

function claimText({ claim }: Bead): string | undefined {
  return claim && claim.holder !== ''
    ? `${claim.holder} since ${claim.claimedAt}, generation ${claim.generation}`
    : undefined;
}

/** Links from both of their ends, each with the status of the other bead. */
function linkFacts(model: Model, bead: Bead, cells: number): Line[] {
  const named = (ids: readonly string[]) =>
    [...new Set(ids)].map((id) => `${id} (${model.beads.get(id)?.status ?? 'unknown'})`).join(', ');
  const back = relationsOf(model.beads, bead.id);
  return [
    ...fact('parent', bead.parentBead && named([bead.parentBead]), cells),
    ...fact('sub-beads', named(back.children), cells),
    ...fact('blocked by', named(bead.blockedBy), cells),
    ...fact('blocks', named(back.blocks), cells),
    ...fact('related', named([...bead.related, ...back.related]), cells),
    ...fact('found in', named(bead.discoveredFrom), cells),
    ...fact('found here', named(back.discovered), cells),
  ];
}

function beadBody(model: Model, bead: Bead, cells: number): Line[] {
  const agent = agentOf(model, bead);
  const asks = agent?.observed.state === 'waiting' ? agent.observed.detail : undefined;
  const text = (value: string) => wrap(value, cells - 2).map((row): Line => [span(` ${row}`)]);
  return [
    ...wrap(bead.title, cells - 2).map((row): Line => [span(` ${row}`, { bold: true })]),
    [],
    ...fact('id', bead.id, cells),
    ...fact('status', LANE_TITLE[bead.status].toLowerCase(), cells),
    ...fact('type', `${bead.type}, ${bead.priority} priority`, cells),
    ...fact(
      'agent',
      agent ? `${agent.name}, ${stateText(agent, model.nowMs)} (by ${agent.observed.source})` : bead.agent,
      cells,
    ),
    ...fact('claim', claimText(bead), cells),
    ...fact('asks', asks, cells),
    ...fact('labels', bead.labels.join(', '), cells),
    ...fact('due', bead.dueAt && `${bead.dueAt}${isOverdue(bead, model.nowMs) ? ' (overdue)' : ''}`, cells),
    ...linkFacts(model, bead, cells),
    ...fact('branch', bead.branch, cells),
    ...fact('worktree', bead.worktree, cells),
    ...fact('commits', bead.commits.map((commit) => commit.slice(0, 10)).join(' '), cells),
    ...fact('queue', queueText(model, bead.id), cells),
    ...fact('clashes', clashText(model.merge, bead.id), cells),
    ...fact('landed', bead.landedCommit?.slice(0, 10), cells),
    ...fact('proof', proofText(bead), cells),
    ...section('Description', bead.description ? text(bead.description) : []),
    ...section(
      'Todos',
      agent?.todos ? todoLines(agent.todos).map((row): Line => [span(` ${cut(clean(row), cells - 2)}`)]) : [],
    ),
    ...section(
      'Notes',
      bead.notes.flatMap((note) => [...fact(clean(note.author), note.text, cells)]),
    ),
  ];
}

/** Rows below the list of keys, for the whole text of the selected one. */
const HELP_TEXT_ROWS = 2;

const helpText = ({ binding, reason }: HelpEntry): string =>
  reason === undefined ? binding.tooltip : `${binding.tooltip} (${reason})`;

function helpPanel(model: Model, mode: ModeOf<'help'>, rows: number): Line[] {
  const cells = model.size.columns;
  const entries = helpEntries(model);
  const below = rows < 12 ? 0 : HELP_TEXT_ROWS;
  const room = Math.max(1, rows - 2 - (below === 0 ? 0 : below + 1));
  const index = wrapIndex(mode.index, entries.length);
  const top = Math.floor(index / room) * room;
  const keyCells = Math.min(14, Math.max(6, Math.floor(cells / 4)));
  const list = entries.slice(top, top + room).map((entry, place): Line => {
    const line: Line = [
      span(` ${pad(entry.keys, keyCells)} `, { bold: true }),
      span(helpText(entry), entry.reason === undefined ? {} : { color: 'gray' }),
    ];
    return top + place === index ? restyled(line, cells, { inverse: true }) : cutLine(line, cells);
  });
  const typed = [span(' ? ', { bold: true }), ...(inputLines(mode.input, cells - 4, 1)[0] ?? [])];
  const none: Line[] =
    entries.length === 0 ? [[span(' No key does that. : runs any command of the CLI', { dim: true })]] : [];
  const selected = entries[index];
  const whole = selected ? wrap(helpText(selected), cells - 2).map((row): Line => [span(` ${row}`)]) : [];
  const divider: Line = [span('─'.repeat(cells), { color: 'gray' })];
  return [
    rule('Keys: type to search', cells, `${entries.length} `),
    typed,
    ...fillRows([...list, ...none], room),
    ...(below === 0 ? [] : [divider, ...fillRows(whole, below)]),
  ];
}

function logBody(model: Model, cells: number): Line[] {
  const none: Line[] = [[span(' Nothing was run yet.', { dim: true })]];
  if (model.log.length === 0) return none;
  return [...model.log].reverse().flatMap((entry): Line[] => {
    const at = new Date(entry.atMs).toTimeString().slice(0, 8);
    const word = entry.outcome === 'done' ? '✓' : entry.outcome === 'refused' ? '✗' : '…';
    const first: Line = [
      span(` ${at} ${word} `, { color: entry.outcome === 'refused' ? 'brightRed' : 'gray' }),
      span(`godel ${clean(entry.command)}`),
    ];
    const detail: Line[] = entry.detail ? [[span(`            ${clean(entry.detail)}`, { color: 'gray' })]] : [];
    return [first, ...detail].map((line) => cutLine(line, cells));
  });
}

interface Scrolling {
  readonly title: string;
  readonly body: readonly Line[];
  readonly scroll: number;
}

/** The modes that show one long text. */
function scrollingOf(model: Model): Scrolling | undefined {
  const { mode } = model;
  const cells = model.size.columns;
  if (mode.name === 'log')
    return { title: 'What was run, newest first', body: logBody(model, cells), scroll: mode.scroll };
  if (mode.name === 'queue') return { title: 'Merge queue', body: queueBody(model, cells), scroll: mode.scroll };
  if (mode.name === 'output') {
    const body = mode.running ? [[span(' running…', { color: 'yellow' })]] : outputRows(mode.text, cells);
    return { title: cut(`: ${clean(mode.title)}`, cells - 20), body, scroll: mode.scroll };
  }
  if (mode.name !== 'detail') return undefined;
  const bead = model.beads.get(mode.beadId);
  const gone: Line[] = [[span(' This bead was deleted. Esc goes back.')]];
  return { title: mode.beadId, body: bead ? beadBody(model, bead, cells) : gone, scroll: mode.scroll };
}

/** How far the text of the mode can be scrolled, in rows. */
export function scrollLimit(model: Model): number {
  return Math.max(0, (scrollingOf(model)?.body.length ?? 0) - Math.max(1, model.size.rows - 2));
}

function outputRows(text: string, cells: number): Line[] {
  const shown = text.trimEnd() === '' ? '(no output)' : text.trimEnd();
  return wrap(stripVTControlCharacters(shown), cells - 2).map((row): Line => [span(` ${row}`)]);
}

function setupPanel(model: Model, mode: ModeOf<'setup'>, rows: number): Line[] {
  const cells = model.size.columns;
  const step = setupSteps[mode.step];
  const choices = step.choices ?? [];
  const selected = wrapIndex(mode.choice, choices.length);
  const options = choices.flatMap((choice, index): Line[] =>
    wrap(choice.text, cells - 5).map((row, place): Line => {
      const head = place === 0 ? (index === selected ? '> ● ' : '  ○ ') : '    ';
      const line: Line = [span(head), span(row)];
      return index === selected
        ? restyled(line, Math.min(cells, 4 + Math.max(...choices.map((one) => width(one.text)))), { inverse: true })
        : line;
    }),
  );
  const text = (value: string, style: Omit<Span, 'text'>) =>
    wrap(value, cells - 2).map((row): Line => [span(` ${row}`, style)]);
  const answer = step.choices
    ? options
    : inputLines(mode.input, cells - 4, 3).map((line): Line => [span(' > ', { bold: true }), ...line]);
  const body = [[], ...text(step.question, { bold: true }), ...text(step.help, { dim: true }), [], ...answer];
  return [rule(`Set up, ${mode.step + 1} of 3`, cells), ...fillRows(body, rows - 1)];
}

/** The panel of the mode, or undefined when the board itself is shown. */
export function panelLines(model: Model, rows: number): Line[] | undefined {
  const { mode } = model;
  if (mode.name === 'help') return helpPanel(model, mode, rows);
  if (mode.name === 'inbox') return inboxPanel(model, rows);
  if (mode.name === 'convoys') return convoysPanel(model, rows);
  if (mode.name === 'session') return sessionPanel(model, mode, rows);
  const text = scrollingOf(model);
  if (text) return scrolled(text, model.size.columns, rows);
  return mode.name === 'setup' ? setupPanel(model, mode, rows) : undefined;
}

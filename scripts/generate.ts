/** Writes what is derived from the operations: man pages and the OpenAPI document. `--check` says what is stale. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApi } from '../src/api/openapi.ts';
import type { AnyOperation } from '../src/base/operation.ts';
import { version } from '../src/base/version.ts';
import { type FieldSpec, fieldsOf } from '../src/cli/flags.ts';
import { configSchema, ENVIRONMENT_KEYS } from '../src/config.ts';
import { errorTable } from '../src/errors.ts';
import { eventTypes } from '../src/events.ts';
import { operations } from '../src/operations.ts';
import { keymapTable } from '../tui/help.ts';
import { bindings } from '../tui/layout/bindings.ts';

const folder = fileURLToPath(new URL('../man', import.meta.url));

/** Text for roff: backslashes and leading dots have a meaning there. */
const roff = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
const heading = (name: string, section: number, about: string) =>
  `.TH ${name.toUpperCase()} ${section} "" "Godel ${version}" "Godel"\n.SH NAME\n${roff(name)} \\- ${roff(about)}\n`;

function usage(operation: AnyOperation, fields: FieldSpec[]): string {
  const args = (operation.args ?? []).map((name) => {
    const field = fields.find((each) => each.name === name);
    const shown = field?.kind === 'list' ? `${name}...` : name;
    return field?.required ? `<${shown}>` : `[${shown}]`;
  });
  return ['godel', operation.name, ...args, '[options]'].join(' ');
}

function commandSection(operation: AnyOperation): string {
  const fields = fieldsOf(operation).filter((field) => !field.secret);
  const options = fields.filter((field) => !(operation.args ?? []).includes(field.name));
  const lines = options.map((field) => {
    const choices = field.choices ? ` (${field.choices.join(', ')})` : '';
    const value = field.kind === 'boolean' ? '' : ' <value>';
    return `.TP\n.B ${roff(`--${field.flag}${value}`)}\n${roff(`${field.description}${choices}` || '-')}\n`;
  });
  const aliases = (operation.aliases ?? []).map((alias) => `Short form: godel ${alias}\n.PP\n`);
  const examples = operation.examples.map((example) => `${roff(example)}\n`).join('.br\n');
  const text = [operation.summary, operation.description].filter(Boolean).join('. ');
  return `.SS ${roff(usage(operation, fields))}\n${roff(text)}\n.PP\n${aliases.join('')}${lines.join('')}.PP\nPermission: ${roff(operation.permission)}. REST: ${operation.http.method} /api/v1${roff(operation.http.path)}\n.PP\n.nf\n${examples}.fi\n`;
}

const all = Object.values(operations) as AnyOperation[];
const nouns = [...new Set(all.map((operation) => operation.name.split(' ')[0] as string))].sort();

function nounPage(noun: string): string {
  const own = all.filter((operation) => operation.name.startsWith(`${noun} `));
  return `${heading(`godel-${noun}`, 1, `commands for ${noun}s`)}.SH COMMANDS\n${own.map(commandSection).join('')}.SH SEE ALSO\n.BR godel (1)\n`;
}

function mainPage(): string {
  const commands = all
    .map((operation) => `.TP\n.B ${roff(`godel ${operation.name}`)}\n${roff(operation.summary)}\n`)
    .join('');
  const own: [string, string][] = [
    ['godel', 'Open the board and the panes of the agents'],
    ['godel daemon start|stop|restart|status|logs|run', 'The process behind everything'],
    ['godel attach <agent>', 'Attach this terminal to an agent'],
    ['godel review open <bead>', 'Review work full screen'],
    ['godel demo', 'Three real agents in a sample repository, without an API key'],
    ['godel completion bash|zsh|fish', 'Print a completion script'],
  ];
  const extra = own.map(([name, about]) => `.TP\n.B ${roff(name)}\n${roff(about)}\n`).join('');
  const settings = Object.entries(configSchema.shape).map(([key, schema]) => {
    const variable = ENVIRONMENT_KEYS[key as keyof typeof ENVIRONMENT_KEYS];
    return `.TP\n.B ${roff(key)}\n${roff(`${schema.description ?? ''}${variable ? ` (${variable})` : ''}`)}\n`;
  });
  const keys = bindings().map(({ keys: names, help }) => `.TP\n.B C\\-g ${roff(names.join(', '))}\n${roff(help)}\n`);
  const board = roff(
    keymapTable('board')
      .replaceAll('|', ' ')
      .replace(/^[ -]+$/gm, ''),
  );
  const exits = '0 done, 1 refused or failed, 2 wrong usage, 3 not found, 4 conflict, 5 the daemon cannot be reached';
  return `${heading('godel', 1, 'a team of AI coding agents in one terminal')}.SH COMMANDS\n${extra}${commands}.SH KEYS BEHIND THE PREFIX\n${keys.join('')}.SH KEYS OF THE BOARD\n.nf\n${board}\n.fi\n.SH SETTINGS\nIn .godel/config.yaml of the project, or config.yaml of the user.\n${settings.join('')}.SH EXIT STATUS\n${roff(exits)}\n`;
}

function errorsPage(): string {
  const rows = Object.entries(errorTable).map(([reason, spec]) => `.TP\n.B ${roff(reason)}\n${spec.kind}\n`);
  return `${heading('godel-errors', 7, 'reasons of refusals')}.SH REASONS\nThe field error.details.reason of an answer, and its code.\n${rows.join('')}`;
}

function eventsPage(): string {
  const rows = Object.entries(eventTypes).map(([type, payload]) => `.TP\n.B ${roff(type)}\n${roff(payload)}\n`);
  return `${heading('godel-events', 7, 'events and what they carry')}.SH EVENTS\n${rows.join('')}`;
}

const files = new Map<string, string>([
  ['godel.1', mainPage()],
  ...nouns.map((noun): [string, string] => [`godel-${noun}.1`, nounPage(noun)]),
  ['godel-errors.7', errorsPage()],
  ['godel-events.7', eventsPage()],
  ['openapi.json', `${JSON.stringify(openApi(operations, version), null, 2)}\n`],
]);

function read(name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return '';
  }
}

/** npm installs the pages that package.json names. */
const manifestFile = fileURLToPath(new URL('../package.json', import.meta.url));
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as { man: string[] };
const pages = [...files.keys()]
  .filter((name) => /\.\d$/.test(name))
  .map((name) => `man/${name}`)
  .sort();
const manifestStale = JSON.stringify(manifest.man) !== JSON.stringify(pages);

mkdirSync(folder, { recursive: true });
const extra = readdirSync(folder).filter((name) => !files.has(name) && !name.endsWith('.png'));
const stale = [...files].filter(([name, text]) => read(name) !== text).map(([name]) => name);
if (process.argv.includes('--check')) {
  for (const name of [...stale, ...extra]) process.stdout.write(`man/${name} is stale: npm run generate\n`);
  if (manifestStale) process.stdout.write('the list "man" of package.json is stale: npm run generate\n');
  process.exit(stale.length + extra.length > 0 || manifestStale ? 1 : 0);
}
if (manifestStale) writeFileSync(manifestFile, `${JSON.stringify({ ...manifest, man: pages }, null, 2)}\n`);
for (const name of extra) rmSync(join(folder, name));
for (const [name, text] of files) writeFileSync(join(folder, name), text);

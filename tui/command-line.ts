/** The `:` line: splitting as a shell would, and completion from the operations. */
import type { AnyOperation } from '../src/base/operation.ts';
import { operations } from '../src/operations.ts';
import type { Model } from './model/state.ts';

/** One word: plain characters, escaped ones, and quoted parts, in any mix. */
const WORD = /(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/y;
const PART = /\\([\s\S])|"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|([^\s"'\\]+)/g;

function unquoted(word: string): string {
  return word.replaceAll(PART, (_, escaped?: string, double?: string, single?: string, text?: string) => {
    if (double !== undefined) return double.replaceAll(/\\([\s\S])/g, '$1');
    return escaped ?? single ?? text ?? '';
  });
}

/** Words of `line` with quotes and backslashes taken as a shell does; undefined when a quote stays open. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  for (let place = 0; place < line.length; ) {
    const space = /\s*/y;
    space.lastIndex = place;
    place += space.exec(line)?.[0].length ?? 0;
    if (place >= line.length) break;
    WORD.lastIndex = place;
    const word = WORD.exec(line)?.[0];
    if (word === undefined) return undefined;
    words.push(unquoted(word));
    place += word.length;
  }
  return words[0] === 'godel' ? words.slice(1) : words;
}

const all = Object.values(operations) as AnyOperation[];
const names = all.flatMap((operation) => [operation.name, ...(operation.aliases ?? [])]).sort();

function operationAt(line: string): AnyOperation | undefined {
  return all.find((operation) =>
    [operation.name, ...(operation.aliases ?? [])].some((name) => line === name || line.startsWith(`${name} `)),
  );
}

function flagOf(field: string): string {
  return `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function enumValues(operation: AnyOperation, flag: string): string[] {
  const field = Object.entries(operation.input.shape).find(([name]) => flagOf(name) === flag)?.[1];
  let schema: unknown = field;
  for (let depth = 0; depth < 5; depth += 1) {
    if (typeof schema === 'object' && schema !== null && 'options' in schema && Array.isArray(schema.options)) {
      return schema.options.filter((option): option is string => typeof option === 'string');
    }
    if (typeof schema === 'object' && schema !== null && 'unwrap' in schema && typeof schema.unwrap === 'function')
      schema = schema.unwrap();
  }
  return [];
}

function candidates(line: string, model: Model): string[] {
  const operation = operationAt(line);
  const words = line.split(/\s+/);
  const last = words.at(-1) ?? '';
  if (!operation || !line.includes(' ')) return names.filter((name) => name.startsWith(line.trimStart()));
  const head = line.slice(0, line.length - last.length);
  const flags = Object.keys(operation.input.shape)
    .filter((name) => !(operation.args ?? []).includes(name))
    .map(flagOf);
  const values = enumValues(operation, words.at(-2) ?? '');
  const nouns = [...model.beads.keys(), ...[...model.agents.values()].map((agent) => agent.name)];
  const pool =
    values.length > 0
      ? values
      : last.startsWith('-')
        ? flags
        : [...nouns, ...(operation.args?.includes('status') ? ['open', 'in-progress', 'review', 'done'] : [])];
  return pool.filter((word) => word.startsWith(last)).map((word) => head + word);
}

export interface Completion {
  readonly text: string;
  readonly choices: readonly string[];
}

/** Completes `line` as far as all candidates agree; lists them when there is more than one. */
export function completeLine(line: string, model: Model): Completion {
  const found = [...new Set(candidates(line, model))];
  if (found.length === 0) return { text: line, choices: [] };
  if (found.length === 1) return { text: `${found[0]} `, choices: [] };
  let common = found[0] ?? '';
  for (const one of found) while (!one.startsWith(common)) common = common.slice(0, -1);
  return { text: common.length > line.length ? common : line, choices: found.slice(0, 40) };
}

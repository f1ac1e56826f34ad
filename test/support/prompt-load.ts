/** Many prompts for many agents at once, and what came of each: written down by the program that took it. */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Prompt } from '../../src/agents/schema.ts';
import type { Client } from '../../src/client/client.ts';
import type { Random } from './random.ts';

const FAKE = fileURLToPath(new URL('./fake-claude.ts', import.meta.url));
const LONGEST = 4_096;
const WHEN = ['after-turn', 'after-tool', 'after-turn', 'now'] as const;
const PIECES = [
  'word ',
  'line\n',
  '\n\n',
  '\ttab ',
  'ünï🚀 ',
  '$(id) `x` ',
  '"quoted" ',
  "it's ",
  '#{pane_id} %d ',
  '\\n ',
  '/slash ',
  ';',
];

/** A folder for the PATH in which `claude` is the stand-in. */
export async function fakeClaudeIn(folder: string, turnMs?: number): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const file = join(bin, 'claude');
  const turn = turnMs === undefined ? '' : `export FAKE_TURN_MS=${turnMs}\n`;
  await writeFile(file, `#!/bin/sh\n${turn}exec '${process.execPath}' '${FAKE}' "$@"\n`);
  await chmod(file, 0o755);
  return bin;
}

/** A text that names itself in its first word: up to 4 KB, of several lines, with what a terminal would take for keys. */
export function promptText(random: Random, id: string): string {
  const length = random.chance(0.2) ? LONGEST - 40 : random.int(600);
  let text = '';
  while (text.length < length) text += random.chance(0.02) ? '\u0003\u001b[201~\u0004' : random.pick(PIECES);
  return `${id}: ${text}end`;
}

export interface Tally {
  sent: number;
  exact: number;
  lost: number;
  twice: number;
  mangled: number;
  /** Taken before one that was sent earlier. */
  disordered: number;
  /** Given up by Godel, which said so. */
  dead: number;
}

const idOf = (text: string) => /^[\w-]+(?=: )/.exec(text)?.[0];

/** How what was taken compares with what was sent. */
export function tally(sent: readonly string[], taken: readonly string[]): Omit<Tally, 'dead'> {
  const byId = new Map<string, string[]>();
  let strays = 0;
  const wanted = new Map(sent.map((text) => [idOf(text) as string, text]));
  for (const text of taken) {
    const id = idOf(text);
    if (id === undefined || !wanted.has(id)) strays += 1;
    else byId.set(id, [...(byId.get(id) ?? []), text]);
  }
  const places = new Map(sent.map((text, place) => [idOf(text) as string, place]));
  const order = taken.map((text) => places.get(idOf(text) ?? '')).filter((place) => place !== undefined);
  const disordered = order.filter(
    (place, index) => place < Math.max(-1, ...order.slice(Math.max(0, index - 50), index)),
  ).length;
  const result = { sent: sent.length, exact: 0, lost: 0, twice: 0, mangled: strays, disordered };
  for (const [id, text] of wanted) {
    const found = byId.get(id) ?? [];
    if (found.length === 0) result.lost += 1;
    else if (found.length > 1) result.twice += 1;
    else if (found[0] === text) result.exact += 1;
    else result.mangled += 1;
  }
  return result;
}

/** What the stand-in in this folder took. */
export function takenIn(folder: string): string[] {
  const file = join(folder, 'prompts.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string);
}

export interface Load {
  client: Client;
  agentsDir: string;
  name: string;
  headless: boolean;
  agents: number;
  /** For each agent. */
  prompts: number;
  random: Random;
}

async function allOf(client: Client, id: string): Promise<Prompt[]> {
  const found: Prompt[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.call('agentPrompts', { id, limit: 500, ...(cursor ? { cursor } : {}) });
    found.push(...page.items);
    if (!page.pagination.hasMore) return found;
    cursor = page.pagination.cursor;
  }
}

/** Sends everything, every fifth prompt twice with its key, and waits until none is under way. */
export async function deliver(load: Load): Promise<Tally> {
  const { client, random } = load;
  const spawn = { name: load.name, count: load.agents, runtime: 'claude', headless: load.headless };
  const { items } = await client.call('agentSpawn', spawn);
  const tallies = items.map(async ({ id, name }) => {
    const sent: string[] = [];
    for (let index = 0; index < load.prompts; index += 1) {
      const input = { id, key: `k${index}`, text: promptText(random, `${name}-${index}`), when: random.pick(WHEN) };
      sent.push((await client.call('agentSend', input)).text);
      if (index % 5 === 0) await client.call('agentSend', input);
    }
    let open = load.prompts;
    let prompts: Prompt[] = [];
    while (open > 0) {
      await delay(500);
      prompts = await allOf(client, id);
      open = prompts.filter((prompt) => ['queued', 'delivered'].includes(prompt.status)).length;
    }
    const dead = prompts.filter((prompt) => prompt.status === 'dead').length;
    return { ...tally(sent, takenIn(join(load.agentsDir, id, 'claude'))), dead };
  });
  const all = await Promise.all(tallies);
  const keys = ['sent', 'exact', 'lost', 'twice', 'mangled', 'disordered', 'dead'] as const;
  const sum = (key: keyof Tally) => all.reduce((total, each) => total + each[key], 0);
  return Object.fromEntries(keys.map((key) => [key, sum(key)])) as unknown as Tally;
}

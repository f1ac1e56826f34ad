/** Real programs, as they were recorded: at every moment of every tape what is said is what was so. */
import { readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import timers from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readTape } from '../support/corpus.ts';
import { replay } from '../support/corpus-replay.ts';

const delay = timers.setTimeout;
const folder = join(import.meta.dirname, 'recordings');
const tapes = readdirSync(folder)
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))
  .map(({ name, text }) => ({ name, text, tape: readTape(text) }));

describe('verdicts', () => {
  afterEach(() => {
    vi.useRealTimers();
    timers.setTimeout = delay;
    syncBuiltinESMExports();
  });
  test.each(tapes)('$name', async ({ tape }) => {
    if (tape.config) {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
      // What waits by a promise waits for the same clock.
      timers.setTimeout = ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))) as typeof delay;
      syncBuiltinESMExports();
    }
    const { moments, wrong } = await replay(tape, (ms) => vi.advanceTimersByTimeAsync(ms));
    expect(wrong).toEqual([]);
    expect(moments).toBeGreaterThan(10);
  });
});

test('what a program takes is one prompt, without what it had put back into its input', () => {
  const taken = tapes.flatMap(({ tape }) => tape.entries.flatMap((entry) => ('hook' in entry ? [entry.hook] : [])));
  const prompts = taken
    .filter((hook) => hook.hook_event_name === 'UserPromptSubmit')
    .map(({ prompt }) => String(prompt));
  expect(prompts.length).toBeGreaterThan(10);
  expect(prompts.filter((prompt) => prompt.split('```demo').length > 2)).toEqual([]);
});

test('every runtime is there in each of its modes, in all its states, and nothing of the machine it was recorded on', () => {
  const wanted = ['acp', 'claude', 'codex', 'gemini', 'opencode', 'pi'].map((id) => `${id}-protocol.jsonl`);
  const panes = ['claude', 'codex', 'gemini', 'opencode', 'pi', 'shell'].map((id) => `${id}-pane.jsonl`);
  expect(tapes.map(({ name }) => name).sort()).toEqual([...wanted, ...panes].sort());
  for (const { name, tape, text } of tapes) {
    const states = new Set(tape.entries.flatMap((entry) => ('moment' in entry ? [entry.truth.state] : [])));
    const asks = tape.runtime === 'pi' ? [] : ['waiting'];
    expect([...states], name).toEqual(expect.arrayContaining(['idle', 'busy', ...asks]));
    if (tape.runtime !== 'shell') expect([...states], name).toEqual(expect.arrayContaining(['starting', 'exited']));
    expect(text, name).not.toMatch(/\/(root|home\/(?!agent)\w+)\/|sk-ant-/);
  }
});

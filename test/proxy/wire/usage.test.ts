/** What is read from a stream depends neither on the pieces it comes in, nor on what becomes of their memory. */
import { describe, expect, test } from 'vitest';
import { createStreamTap } from '../../../proxy/wire/usage.ts';
import type { Wire } from '../../../proxy/wire/wire.ts';

/** Events that say something, of each dialect, and one that does not. */
const EVENTS: Readonly<Record<Wire, { telling: unknown[]; dull: unknown }>> = {
  anthropic: {
    telling: [
      { type: 'message_start', message: { usage: { input_tokens: 7, cache_read_input_tokens: 2 } } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
      { type: 'message_stop' },
    ],
    dull: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'some words' } },
  },
  chat: {
    telling: [
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } },
    ],
    dull: {
      object: 'chat.completion.chunk',
      choices: [{ delta: { content: 'words' }, finish_reason: null }],
      usage: null,
    },
  },
  responses: {
    telling: ['completed', 'failed', 'incomplete'].map((status) => ({
      type: `response.${status}`,
      response: { status, usage: { input_tokens: 7, output_tokens: 3 }, output: [{ type: 'function_call' }] },
    })),
    dull: { type: 'response.output_text.delta', delta: 'words' },
  },
  google: {
    telling: [
      { candidates: [{ content: { parts: [{ functionCall: { name: 'f' } }] } }] },
      { candidates: [{ finishReason: 'STOP' }] },
      { usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3 } },
    ],
    dull: { candidates: [{ content: { parts: [{ text: 'words' }] } }] },
  },
};

const spaced = (value: unknown) => JSON.stringify(value, undefined, 1).replaceAll(/\n */g, ' ');

describe.each(Object.keys(EVENTS) as Wire[])('a stream of %s', (wire) => {
  const { telling, dull } = EVENTS[wire];
  const written = { close: (value: unknown) => JSON.stringify(value), wide: spaced };
  const cases = Object.entries(written).flatMap(([how, write]) =>
    [...telling.map((event) => write(event)), '[DONE]'].map((data) => [how, data, write(dull)] as const),
  );

  test.each(cases)('written %s says in one piece what it says byte by byte: %s', (_how, data, around) => {
    const line = (text: string) => `data: ${text}\n\n`;
    const bytes = Buffer.from(line(around).repeat(20) + line(data) + line(around).repeat(3));
    const [whole, torn, silent] = [createStreamTap(wire), createStreamTap(wire), createStreamTap(wire)];
    whole.push(bytes);
    // Every piece comes in the same memory.
    const memory = Buffer.alloc(1);
    for (const byte of bytes) {
      memory[0] = byte;
      torn.push(memory);
    }
    silent.push(Buffer.from(line(around).repeat(24)));
    const told = whole.finish();
    expect(told).toEqual(torn.finish());
    expect(told).not.toEqual(silent.finish());
    expect(told.events).toBeGreaterThanOrEqual(23);
  });
});

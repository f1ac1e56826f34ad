/** Why an answer ended, in the words of every dialect. Pure. */
import type { Stop } from './neutral.ts';
import type { Wire } from './wire.ts';

const READ: Readonly<Record<Wire, Readonly<Record<string, Stop>>>> = {
  anthropic: {
    end_turn: 'end',
    tool_use: 'tool',
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    stop_sequence: 'sequence',
    refusal: 'refused',
    pause_turn: 'pause',
  },
  chat: { stop: 'end', tool_calls: 'tool', function_call: 'tool', length: 'length', content_filter: 'refused' },
  responses: { completed: 'end', incomplete: 'length' },
  google: { STOP: 'end', MAX_TOKENS: 'length' },
};

const WRITTEN: Readonly<Record<'anthropic' | 'chat' | 'google', Readonly<Record<Stop, string>>>> = {
  anthropic: {
    end: 'end_turn',
    tool: 'tool_use',
    length: 'max_tokens',
    refused: 'refusal',
    sequence: 'stop_sequence',
    pause: 'pause_turn',
  },
  chat: {
    end: 'stop',
    tool: 'tool_calls',
    length: 'length',
    refused: 'content_filter',
    sequence: 'stop',
    pause: 'stop',
  },
  google: { end: 'STOP', tool: 'STOP', length: 'MAX_TOKENS', refused: 'SAFETY', sequence: 'STOP', pause: 'STOP' },
};

/** @param calls the answer called a tool, which not every dialect says in its reason */
export function readStop(wire: Wire, reason: string, calls: boolean): Stop {
  // Google has many words for a refusal.
  const stop = READ[wire][reason] ?? (wire === 'google' ? 'refused' : 'end');
  return stop === 'end' && calls ? 'tool' : stop;
}

export const writeStop = (wire: keyof typeof WRITTEN, stop: Stop): string => WRITTEN[wire][stop];

/** Reads a stream in the dialect of OpenAI's responses. Pure. */
import { noUse } from '../../cost.ts';
import type { EventReader, StreamEvent } from '../neutral.ts';
import { readUsage } from '../usage.ts';
import { type Json, object, text } from '../wire.ts';
import { responsesStop, thoughtSignature } from './answer.ts';
import { flatName } from './namespaces.ts';

export function createResponsesReader(): EventReader {
  /** Index of an item -> index of its call. */
  const calls = new Map<unknown, { index: number; freeForm: boolean }>();
  let started = false;

  function start(response: Json): StreamEvent[] {
    if (started) return [];
    started = true;
    return [{ kind: 'start', id: text(response.id) ?? '', model: text(response.model) ?? '' }];
  }

  function added(document: Json): StreamEvent[] {
    const item = object(document.item);
    if (item.type !== 'function_call' && item.type !== 'custom_tool_call') return [];
    const index = calls.size;
    calls.set(document.output_index, { index, freeForm: item.type === 'custom_tool_call' });
    return [{ kind: 'call', index, id: text(item.call_id) ?? '', name: flatName(item) }];
  }

  function done(document: Json): StreamEvent[] {
    const item = object(document.item);
    const call = calls.get(document.output_index);
    if (call?.freeForm) {
      const input = JSON.stringify({ input: text(item.input) ?? '' });
      return [
        { kind: 'input', index: call.index, text: input },
        { kind: 'close', index: call.index },
      ];
    }
    if (call) return [{ kind: 'close', index: call.index }];
    const signature = item.type === 'reasoning' ? thoughtSignature(item) : undefined;
    return [...(signature ? [{ kind: 'signature' as const, signature }] : []), { kind: 'close' }];
  }

  function finished(response: Json): StreamEvent[] {
    const usage = noUse();
    readUsage('responses', object(response.usage), usage);
    return [
      ...start(response),
      { kind: 'stop', stop: responsesStop(response, calls.size > 0) },
      ...(response.usage ? [{ kind: 'usage' as const, usage }] : []),
      { kind: 'end' },
    ];
  }

  function errorOf(error: Json): StreamEvent {
    const code = text(error.code) ?? 'server_error';
    const status = code === 'rate_limit_exceeded' ? 429 : code === 'insufficient_quota' ? 402 : 500;
    return { kind: 'error', status, type: code, message: text(error.message) ?? 'unknown error' };
  }

  return {
    read(document) {
      const piece = text(document.delta) ?? '';
      switch (document.type) {
        case 'response.created':
          return start(object(document.response));
        case 'response.output_item.added':
          return added(document);
        case 'response.output_text.delta':
        case 'response.refusal.delta':
          return [{ kind: 'text', text: piece }];
        case 'response.reasoning_summary_part.added':
          return document.summary_index === 0 ? [] : [{ kind: 'thinking', text: '\n\n' }];
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          return [{ kind: 'thinking', text: piece }];
        case 'response.function_call_arguments.delta': {
          const call = calls.get(document.output_index);
          return call ? [{ kind: 'input', index: call.index, text: piece }] : [];
        }
        case 'response.output_item.done':
          return done(document);
        case 'response.completed':
        case 'response.incomplete':
          return finished(object(document.response));
        case 'response.failed':
          return [errorOf(object(object(document.response).error))];
        case 'error':
          return [errorOf(document.message === undefined ? object(document.error) : document)];
        default:
          return [];
      }
    },
    finish: () => [],
  };
}

/** Reads a stream in Anthropic's dialect. Pure. */
import type { TokenUse } from '../../../src/costs/schema.ts';
import { noUse } from '../../cost.ts';
import type { EventReader, StreamEvent } from '../neutral.ts';
import { readStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { type Json, object, text } from '../wire.ts';

/** Status codes of the errors that come inside a stream. */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  rate_limit_error: 429,
  overloaded_error: 529,
};

export function createAnthropicReader(): EventReader {
  const usage: TokenUse = noUse();
  /** Index of a block -> index of its call. */
  const calls = new Map<unknown, number>();

  function begin(document: Json): StreamEvent[] {
    const block = object(document.content_block);
    if (block.type === 'redacted_thinking')
      return [
        { kind: 'thinking', text: '' },
        { kind: 'signature', signature: { wire: 'anthropic', value: text(block.data) ?? '', redacted: true } },
      ];
    if (block.type !== 'tool_use') return [];
    const index = calls.size;
    calls.set(document.index, index);
    return [{ kind: 'call', index, id: text(block.id) ?? '', name: text(block.name) ?? '' }];
  }

  function delta(document: Json): StreamEvent[] {
    const change = object(document.delta);
    switch (change.type) {
      case 'text_delta':
        return [{ kind: 'text', text: text(change.text) ?? '' }];
      case 'thinking_delta':
        return [{ kind: 'thinking', text: text(change.thinking) ?? '' }];
      case 'signature_delta':
        return [{ kind: 'signature', signature: { wire: 'anthropic', value: text(change.signature) ?? '' } }];
      case 'input_json_delta': {
        const index = calls.get(document.index);
        return index === undefined ? [] : [{ kind: 'input', index, text: text(change.partial_json) ?? '' }];
      }
      default:
        return [];
    }
  }

  function close(document: Json): StreamEvent {
    const index = calls.get(document.index);
    return index === undefined ? { kind: 'close' } : { kind: 'close', index };
  }

  return {
    read(document) {
      switch (document.type) {
        case 'message_start': {
          const message = object(document.message);
          readUsage('anthropic', object(message.usage), usage);
          return [{ kind: 'start', id: text(message.id) ?? '', model: text(message.model) ?? '', usage: { ...usage } }];
        }
        case 'content_block_start':
          return begin(document);
        case 'content_block_delta':
          return delta(document);
        case 'content_block_stop':
          return [close(document)];
        case 'message_delta': {
          readUsage('anthropic', object(document.usage), usage);
          const reason = text(object(document.delta).stop_reason);
          const stop: StreamEvent[] =
            reason === undefined ? [] : [{ kind: 'stop', stop: readStop('anthropic', reason, false) }];
          return [...stop, { kind: 'usage', usage: { ...usage } }];
        }
        case 'message_stop':
          return [{ kind: 'end' }];
        case 'error': {
          const { type, message } = object(document.error);
          const name = text(type) ?? 'api_error';
          return [{ kind: 'error', status: STATUS[name] ?? 500, type: name, message: text(message) ?? '' }];
        }
        default:
          return [];
      }
    },
    finish: () => [],
  };
}

/** Writes a stream in the dialect of OpenAI's chat completions. Pure. */
import { noUse } from '../../cost.ts';
import { refusalEvent } from '../errors.ts';
import { type EventWriter, freeFormText, type StreamEvent, type WriterContext } from '../neutral.ts';
import { dataLine } from '../sse.ts';
import { writeStop } from '../stops.ts';
import { chatUsage } from '../usage-out.ts';
import type { Json } from '../wire.ts';
import { proofFields } from './answer.ts';

export function createChatWriter(context: WriterContext): EventWriter {
  let head: Json = {};
  let usage = noUse();
  let reason = 'stop';
  let started = false;
  /** Free-form calls: their input is JSON until it is whole. */
  const freeForm = new Map<number, string>();

  const chunk = (delta: Json, finish: string | null = null) =>
    dataLine({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  const callChunk = (call: Json) => chunk({ tool_calls: [call] });

  function start(id: string, model: string): string {
    if (started) return '';
    started = true;
    head = {
      id: id.startsWith('chatcmpl') ? id : `chatcmpl-${context.id}`,
      object: 'chat.completion.chunk',
      created: context.created,
      model: model || context.model,
    };
    return chunk({ role: 'assistant', content: '' });
  }

  function flush(index: number): string {
    const input = freeForm.get(index);
    freeForm.delete(index);
    return input === undefined ? '' : callChunk({ index, custom: { input: freeFormText(input) } });
  }

  function beginCall({ index, id, name, signature }: Extract<StreamEvent, { kind: 'call' }>): string {
    if (context.freeForm.has(name)) {
      freeForm.set(index, '');
      return callChunk({ index, id, type: 'custom', custom: { name, input: '' } });
    }
    return callChunk({ index, id, type: 'function', function: { name, arguments: '' }, ...proofFields(signature) });
  }

  function content(event: StreamEvent): string {
    switch (event.kind) {
      case 'text':
        return event.text === '' ? '' : chunk({ content: event.text });
      case 'thinking':
        return event.text === '' ? '' : chunk({ reasoning_content: event.text });
      case 'media':
        return chunk({
          images: [{ type: 'image_url', image_url: { url: `data:${event.mediaType};base64,${event.data}` } }],
        });
      case 'call':
        return beginCall(event);
      case 'input': {
        const held = freeForm.get(event.index);
        if (held === undefined) return callChunk({ index: event.index, function: { arguments: event.text } });
        freeForm.set(event.index, held + event.text);
        return '';
      }
      case 'close':
        return event.index === undefined ? '' : flush(event.index);
      default:
        return '';
    }
  }

  function finish(): string {
    const left = [...freeForm.keys()].map(flush).join('');
    const counts = context.withUsage ? dataLine({ ...head, choices: [], usage: chatUsage(usage) }) : '';
    return `${left}${chunk({}, reason)}${counts}data: [DONE]\n\n`;
  }

  return (event) => {
    switch (event.kind) {
      case 'start':
        usage = event.usage ?? usage;
        return start(event.id, event.model);
      case 'stop':
        reason = writeStop('chat', event.stop);
        return '';
      case 'usage':
        usage = event.usage;
        return '';
      case 'error':
        return refusalEvent('chat', event);
      case 'end':
        return start('', '') + finish();
      default:
        return start('', '') + content(event);
    }
  };
}

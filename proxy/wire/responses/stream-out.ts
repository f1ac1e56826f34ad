/** Writes a stream in the dialect of OpenAI's responses. Pure. */
import { noUse } from '../../cost.ts';
import { refusalEvent } from '../errors.ts';
import {
  type EventWriter,
  freeFormText,
  type Signature,
  type Stop,
  type StreamEvent,
  type WriterContext,
} from '../neutral.ts';
import { seal } from '../seal.ts';
import { namedEvent } from '../sse.ts';
import type { Json } from '../wire.ts';
import { callItem, messageItem, outputText, reasoningItem, responseFrame } from './answer.ts';
import { placeOf } from './namespaces.ts';

interface OpenItem {
  at: number;
  id: string;
  kind: 'text' | 'thinking';
  text: string;
  sealed?: string;
}

interface OpenCall {
  at: number;
  itemId: string;
  id: string;
  name: string;
  input: string;
}

export function createResponsesWriter(context: WriterContext): EventWriter {
  const output: Json[] = [];
  const calls = new Map<number, OpenCall>();
  let open: OpenItem | undefined;
  let items = 0;
  let sequence = 0;
  let stop: Stop = 'end';
  let usage = noUse();
  let [id, model, started] = ['', '', false];

  function event(type: string, fields: Json): string {
    sequence += 1;
    return namedEvent({ type, sequence_number: sequence - 1, ...fields });
  }

  function start(): string {
    if (started) return '';
    started = true;
    const response = responseFrame(context, { id, model, output: [] });
    return event('response.created', { response }) + event('response.in_progress', { response });
  }

  function closeText(item: OpenItem): string {
    const [part, whole] = [outputText(item.text), messageItem(item.id, item.text)];
    const place = { item_id: item.id, output_index: item.at, content_index: 0 };
    output[item.at] = whole;
    return (
      event('response.output_text.done', { ...place, text: item.text, logprobs: [] }) +
      event('response.content_part.done', { ...place, part }) +
      event('response.output_item.done', { output_index: item.at, item: whole })
    );
  }

  function closeThought(item: OpenItem): string {
    const whole = reasoningItem(item.id, item.text, item.sealed);
    const place = { item_id: item.id, output_index: item.at, summary_index: 0 };
    output[item.at] = whole;
    const summary =
      item.text === ''
        ? ''
        : event('response.reasoning_summary_text.done', { ...place, text: item.text }) +
          event('response.reasoning_summary_part.done', { ...place, part: { type: 'summary_text', text: item.text } });
    return summary + event('response.output_item.done', { output_index: item.at, item: whole });
  }

  function closeOpen(): string {
    const item = open;
    open = undefined;
    if (!item) return '';
    return item.kind === 'text' ? closeText(item) : closeThought(item);
  }

  function closeCall(index: number): string {
    const call = calls.get(index);
    calls.delete(index);
    if (!call) return '';
    const freeForm = context.freeForm.has(call.name);
    const item = callItem(call.itemId, call, context);
    const place = { item_id: call.itemId, output_index: call.at };
    output[call.at] = item;
    const last = freeForm
      ? event('response.custom_tool_call_input.delta', { ...place, delta: freeFormText(call.input) }) +
        event('response.custom_tool_call_input.done', { ...place, input: freeFormText(call.input) })
      : event('response.function_call_arguments.done', {
          ...place,
          name: placeOf(context, call.name).name,
          arguments: call.input || '{}',
        });
    return last + event('response.output_item.done', { output_index: call.at, item });
  }

  function newItem(kind: OpenItem['kind']): { item: OpenItem; text: string } {
    if (open?.kind === kind) return { item: open, text: '' };
    const closed = closeOpen();
    const item: OpenItem = {
      at: items,
      id: `${kind === 'text' ? 'msg' : 'rs'}_${context.id}_${items}`,
      kind,
      text: '',
    };
    items += 1;
    open = item;
    const place = { item_id: item.id, output_index: item.at };
    const shell =
      kind === 'text'
        ? { id: item.id, type: 'message', status: 'in_progress', role: 'assistant', content: [] }
        : { id: item.id, type: 'reasoning', summary: [] };
    const added = event('response.output_item.added', { output_index: item.at, item: shell });
    const part =
      kind === 'text' ? event('response.content_part.added', { ...place, content_index: 0, part: outputText('') }) : '';
    return { item, text: closed + added + part };
  }

  function write(kind: OpenItem['kind'], piece: string): string {
    if (piece === '') return '';
    const { item, text } = newItem(kind);
    const place = { item_id: item.id, output_index: item.at };
    const first =
      kind === 'thinking' && item.text === ''
        ? event('response.reasoning_summary_part.added', {
            ...place,
            summary_index: 0,
            part: { type: 'summary_text', text: '' },
          })
        : '';
    item.text += piece;
    const delta =
      kind === 'text'
        ? event('response.output_text.delta', { ...place, content_index: 0, delta: piece, logprobs: [] })
        : event('response.reasoning_summary_text.delta', { ...place, summary_index: 0, delta: piece });
    return text + first + delta;
  }

  function sign(signature: Signature): string {
    const { item, text } = newItem('thinking');
    item.sealed = seal('responses', signature);
    return text + closeOpen();
  }

  function beginCall({ index, id: callId, name, signature }: Extract<StreamEvent, { kind: 'call' }>): string {
    const before = (signature ? sign(signature) : '') + closeOpen();
    const freeForm = context.freeForm.has(name);
    const call: OpenCall = { at: items, itemId: `fc_${context.id}_${items}`, id: callId, name, input: '' };
    items += 1;
    calls.set(index, call);
    const shape = freeForm ? { type: 'custom_tool_call', input: '' } : { type: 'function_call', arguments: '' };
    const item = { id: call.itemId, status: 'in_progress', call_id: callId, ...placeOf(context, name), ...shape };
    return before + event('response.output_item.added', { output_index: call.at, item });
  }

  function input(index: number, piece: string): string {
    const call = calls.get(index);
    if (!call || piece === '') return '';
    call.input += piece;
    // Plain text cannot be told before its JSON is whole.
    if (context.freeForm.has(call.name)) return '';
    const place = { item_id: call.itemId, output_index: call.at };
    return event('response.function_call_arguments.delta', { ...place, delta: piece });
  }

  function finish(): string {
    const left = closeOpen() + [...calls.keys()].map(closeCall).join('');
    const response = responseFrame(context, { id, model, stop, usage, output });
    return left + event(response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response });
  }

  function content(each: StreamEvent): string {
    switch (each.kind) {
      case 'text':
      case 'thinking':
        return write(each.kind, each.text);
      case 'media':
        return write('text', `![image](data:${each.mediaType};base64,${each.data})`);
      case 'signature':
        return sign(each.signature);
      case 'call':
        return beginCall(each);
      case 'input':
        return input(each.index, each.text);
      case 'close':
        return each.index === undefined ? closeOpen() : closeCall(each.index);
      default:
        return '';
    }
  }

  return (each) => {
    if (each.kind === 'start') [id, model, usage] = [each.id, each.model, each.usage ?? usage];
    else if (each.kind === 'stop') stop = each.stop;
    else if (each.kind === 'usage') usage = each.usage;
    else if (each.kind === 'error') return refusalEvent('responses', each);
    else if (each.kind === 'end') return start() + finish();
    return each.kind === 'stop' || each.kind === 'usage' ? '' : start() + content(each);
  };
}

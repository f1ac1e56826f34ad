/** Writes a stream in Anthropic's dialect. Pure. */
import { noUse } from '../../cost.ts';
import { refusalEvent } from '../errors.ts';
import type { EventWriter, Signature, Stop, StreamEvent, WriterContext } from '../neutral.ts';
import { seal } from '../seal.ts';
import { namedEvent } from '../sse.ts';
import { writeStop } from '../stops.ts';
import { anthropicUsage } from '../usage-out.ts';
import type { Json } from '../wire.ts';

type Call = Extract<StreamEvent, { kind: 'call' }>;

export function createAnthropicWriter(context: WriterContext): EventWriter {
  let blocks = 0;
  /** The text or thought that is open. */
  let open: { index: number; type: 'text' | 'thinking' } | undefined;
  const calls = new Map<number, number>();
  let stop: Stop = 'end';
  let usage = noUse();
  let started = false;

  const begin = (index: number, content_block: Json) =>
    namedEvent({ type: 'content_block_start', index, content_block });
  const delta = (index: number, change: Json) => namedEvent({ type: 'content_block_delta', index, delta: change });
  const end = (index: number) => namedEvent({ type: 'content_block_stop', index });

  function start(id: string, model: string): string {
    if (started) return '';
    started = true;
    const guess = { ...usage, input: usage.input + usage.cacheRead > 0 ? usage.input : context.inputGuess };
    const message = {
      id: id.startsWith('msg_') ? id : `msg_${context.id}`,
      type: 'message',
      role: 'assistant',
      model: model || context.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...anthropicUsage(guess), output_tokens: 1 },
    };
    return namedEvent({ type: 'message_start', message });
  }

  function closeOpen(): string {
    if (!open) return '';
    const { index } = open;
    open = undefined;
    return end(index);
  }

  function closeAll(): string {
    const left = [...calls.values()].map(end).join('');
    calls.clear();
    return closeOpen() + left;
  }

  function opened(type: 'text' | 'thinking'): { text: string; index: number } {
    if (open?.type === type) return { text: '', index: open.index };
    const closed = closeAll();
    const index = blocks;
    blocks += 1;
    open = { index, type };
    const block = type === 'text' ? { type, text: '' } : { type, thinking: '', signature: '' };
    return { text: closed + begin(index, block), index };
  }

  function sign(signature: Signature): string {
    if (signature.wire === 'anthropic' && signature.redacted) {
      const closed = closeAll();
      const index = blocks;
      blocks += 1;
      return closed + begin(index, { type: 'redacted_thinking', data: signature.value }) + end(index);
    }
    const { text, index } = opened('thinking');
    return text + delta(index, { type: 'signature_delta', signature: seal('anthropic', signature) }) + closeOpen();
  }

  function beginCall({ index, id, name, signature }: Call): string {
    const proof = signature ? sign(signature) : '';
    const closed = closeOpen();
    const block = blocks;
    blocks += 1;
    calls.set(index, block);
    return proof + closed + begin(block, { type: 'tool_use', id, name, input: {} });
  }

  function closeCall(index: number): string {
    const block = calls.get(index);
    calls.delete(index);
    return block === undefined ? '' : end(block);
  }

  function finish(): string {
    const counts = usage.output + usage.reasoning > 0 || usage.input > 0 ? anthropicUsage(usage) : { output_tokens: 0 };
    return (
      closeAll() +
      namedEvent({
        type: 'message_delta',
        delta: { stop_reason: writeStop('anthropic', stop), stop_sequence: null },
        usage: counts,
      }) +
      namedEvent({ type: 'message_stop' })
    );
  }

  function content(event: StreamEvent): string {
    switch (event.kind) {
      case 'text': {
        if (event.text === '') return '';
        const { text, index } = opened('text');
        return text + delta(index, { type: 'text_delta', text: event.text });
      }
      case 'thinking': {
        if (event.text === '') return '';
        const { text, index } = opened('thinking');
        return text + delta(index, { type: 'thinking_delta', thinking: event.text });
      }
      case 'signature':
        return sign(event.signature);
      case 'media':
        return content({ kind: 'text', text: `![image](data:${event.mediaType};base64,${event.data})` });
      case 'call':
        return beginCall(event);
      case 'input': {
        const block = calls.get(event.index);
        if (block === undefined || event.text === '') return '';
        return delta(block, { type: 'input_json_delta', partial_json: event.text });
      }
      case 'close':
        return event.index === undefined ? closeOpen() : closeCall(event.index);
      default:
        return '';
    }
  }

  return (event) => {
    switch (event.kind) {
      case 'start':
        usage = event.usage ?? usage;
        return start(event.id, event.model);
      case 'stop':
        stop = event.stop;
        return '';
      case 'usage':
        usage = event.usage;
        return '';
      case 'error':
        return refusalEvent('anthropic', event);
      case 'end':
        return start('', '') + finish();
      default:
        return start('', '') + content(event);
    }
  };
}

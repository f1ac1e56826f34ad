/** Writes a stream in Google's dialect: as events, or as one array that grows. Pure. */
import { noUse } from '../../cost.ts';
import { refusalBody, refusalEvent } from '../errors.ts';
import type { EventWriter, Part, Stop, StreamEvent, WriterContext } from '../neutral.ts';
import { dataLine } from '../sse.ts';
import { writeStop } from '../stops.ts';
import { googleUsage } from '../usage-out.ts';
import type { Json } from '../wire.ts';
import { writeGooglePart } from './answer.ts';

type Call = Extract<Part, { kind: 'call' }>;

export function createGoogleWriter(context: WriterContext): EventWriter {
  /** Calls are told whole. */
  const calls = new Map<number, Call>();
  let [id, model] = ['', ''];
  let usage = noUse();
  let stop: Stop = 'end';
  let documents = 0;

  function put(document: Json): string {
    documents += 1;
    if (context.events) return dataLine(document);
    return `${documents === 1 ? '[' : ',\n'}${JSON.stringify(document)}`;
  }

  function chunk(parts: Json[], more: Json = {}, counts: Json = {}): string {
    return put({
      candidates: [{ content: { role: 'model', parts }, ...more, index: 0 }],
      ...counts,
      modelVersion: model || context.model,
      responseId: id || context.id,
    });
  }

  function closeCall(index: number): string {
    const call = calls.get(index);
    calls.delete(index);
    return call ? chunk(writeGooglePart(call)) : '';
  }

  function finish(): string {
    const left = [...calls.keys()].map(closeCall).join('');
    const last = chunk(
      [{ text: '' }],
      { finishReason: writeStop('google', stop) },
      { usageMetadata: googleUsage(usage) },
    );
    return left + last + (context.events ? '' : ']');
  }

  function begin(event: Extract<StreamEvent, { kind: 'call' }>): string {
    const { signature } = event;
    const call: Call = { kind: 'call', id: event.id, name: event.name, input: '' };
    calls.set(event.index, signature ? { ...call, signature } : call);
    return '';
  }

  function content(event: StreamEvent): string {
    switch (event.kind) {
      case 'text':
        return event.text === '' ? '' : chunk([{ text: event.text }]);
      case 'thinking':
        return event.text === '' ? '' : chunk([{ text: event.text, thought: true }]);
      case 'signature':
        return chunk(writeGooglePart({ kind: 'thinking', text: '', signature: event.signature }));
      case 'media':
        return chunk(writeGooglePart(event));
      case 'call':
        return begin(event);
      case 'input': {
        const call = calls.get(event.index);
        if (call) call.input += event.text;
        return '';
      }
      case 'close':
        return event.index === undefined ? '' : closeCall(event.index);
      default:
        return '';
    }
  }

  return (event) => {
    switch (event.kind) {
      case 'start':
        [id, model, usage] = [event.id, event.model, event.usage ?? usage];
        return '';
      case 'stop':
        stop = event.stop;
        return '';
      case 'usage':
        usage = event.usage;
        return '';
      case 'error':
        if (context.events) return refusalEvent('google', event);
        return put(JSON.parse(refusalBody('google', event)) as Json);
      case 'end':
        return finish();
      default:
        return content(event);
    }
  };
}

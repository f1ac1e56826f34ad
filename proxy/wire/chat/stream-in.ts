/** Reads a stream in the dialect of OpenAI's chat completions, as many services speak it more or less. Pure. */
import type { TokenUse } from '../../../src/costs/schema.ts';
import { noUse } from '../../cost.ts';
import { mediaFromUrl } from '../media.ts';
import type { EventReader, StreamEvent } from '../neutral.ts';
import { readStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { count, type Json, list, object, text } from '../wire.ts';
import { googleProof, thoughtIn } from './answer.ts';

export function createChatReader(): EventReader {
  const usage: TokenUse = noUse();
  let [started, thinking, stopped, ended] = [false, false, false, false];
  const calls = new Map<number, string>();

  /** The thoughts are over when something else comes. */
  function endThought(): StreamEvent[] {
    if (!thinking) return [];
    thinking = false;
    return [{ kind: 'signature', signature: { wire: 'chat', value: '' } }, { kind: 'close' }];
  }

  function callEvents(call: Json, position: number): StreamEvent[] {
    const made = object(call.function ?? call.custom);
    const index = count(call.index) ?? position;
    const [id, name] = [text(call.id), text(made.name)];
    const events: StreamEvent[] = [];
    // Some services repeat the id with every piece; a new call has a new one.
    if (!calls.has(index) || (id && name && calls.get(index) !== id)) {
      const known = id || `call_${index}_${calls.size}`;
      calls.set(index, known);
      events.push({ kind: 'call', index, id: known, name: name ?? '', ...googleProof(call) });
    }
    const piece = text(made.arguments);
    if (piece) events.push({ kind: 'input', index, text: piece });
    return events;
  }

  function deltaEvents(delta: Json): StreamEvent[] {
    const events: StreamEvent[] = [];
    const thought = thoughtIn(delta);
    if (thought !== '') {
      thinking = true;
      events.push({ kind: 'thinking', text: thought });
    }
    const said = text(delta.content) || text(delta.refusal) || '';
    if (said !== '') events.push(...endThought(), { kind: 'text', text: said });
    for (const image of list(delta.images)) {
      const media = mediaFromUrl(text(object(image.image_url).url) ?? '', 'image/png');
      if (media.data !== undefined) events.push({ kind: 'media', mediaType: media.mediaType, data: media.data });
    }
    const made = list(delta.tool_calls);
    if (made.length > 0) events.push(...endThought(), ...made.flatMap(callEvents));
    return events;
  }

  return {
    read(document) {
      if (document.error) {
        const { message, type, code } = object(document.error);
        const status = count(code) ?? 500;
        return [{ kind: 'error', status, type: text(type) ?? 'api_error', message: text(message) ?? 'unknown error' }];
      }
      const events: StreamEvent[] = [];
      if (!started) {
        started = true;
        events.push({ kind: 'start', id: text(document.id) ?? '', model: text(document.model) ?? '' });
      }
      const choice = list(document.choices)[0];
      if (choice) events.push(...deltaEvents(object(choice.delta)));
      const reason = text(choice?.finish_reason);
      if (reason && !stopped) {
        stopped = true;
        // A few services say "stop" after a call.
        events.push(...endThought(), { kind: 'stop', stop: readStop('chat', reason, calls.size > 0) });
      }
      if (document.usage) {
        readUsage('chat', object(document.usage), usage);
        events.push({ kind: 'usage', usage: { ...usage } });
      }
      return events;
    },
    finish() {
      if (ended || !stopped) return [];
      ended = true;
      return [{ kind: 'end' }];
    },
  };
}

/** Reads a stream in Google's dialect. Pure. */
import { noUse } from '../../cost.ts';
import { eventsOf } from '../answer.ts';
import type { EventReader, Part, StreamEvent } from '../neutral.ts';
import { readStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { count, type Json, list, object, text } from '../wire.ts';
import { readGooglePart } from './answer.ts';

export function createGoogleReader(): EventReader {
  let [started, stopped, calls] = [false, false, 0];
  let id = '';

  function partEvents(part: Part): StreamEvent[] {
    if (part.kind === 'text') return [{ kind: 'text', text: part.text }];
    if (part.kind === 'thinking' && !part.signature) return [{ kind: 'thinking', text: part.text }];
    const index = calls;
    if (part.kind === 'call') calls += 1;
    const events = eventsOf({ id: '', model: '', parts: [part], stop: 'end', usage: undefined });
    return events
      .filter((event) => !['start', 'stop', 'end'].includes(event.kind))
      .map((event) => ('index' in event && event.index !== undefined ? { ...event, index } : event));
  }

  return {
    read(document: Json) {
      if (document.error) {
        const { code, message, status } = object(document.error);
        const error = { status: count(code) ?? 500, type: text(status) ?? 'api_error', message: text(message) ?? '' };
        return [{ kind: 'error', ...error }];
      }
      const events: StreamEvent[] = [];
      if (!started) {
        started = true;
        id = text(document.responseId) ?? '';
        events.push({ kind: 'start', id, model: text(document.modelVersion) ?? '' });
      }
      const candidate = list(document.candidates)[0] ?? {};
      const parts = list(object(candidate.content).parts);
      for (const part of parts.flatMap((each, at) => readGooglePart(each, `call_${id}_${calls + at}`)))
        events.push(...partEvents(part));
      if (document.usageMetadata) {
        const usage = noUse();
        readUsage('google', object(document.usageMetadata), usage);
        events.push({ kind: 'usage', usage });
      }
      const blocked = object(document.promptFeedback).blockReason !== undefined;
      const reason = text(candidate.finishReason);
      if (!stopped && (blocked || reason !== undefined)) {
        stopped = true;
        events.push({ kind: 'stop', stop: blocked ? 'refused' : readStop('google', reason ?? '', calls > 0) });
      }
      return events;
    },
    finish: () => (stopped ? [{ kind: 'end' }] : []),
  };
}

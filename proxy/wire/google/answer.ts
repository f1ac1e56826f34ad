/** Whole answers in Google's dialect, read and written. Pure. */
import { noUse } from '../../cost.ts';
import { type Answer, inputObject, type Part, type WriterContext } from '../neutral.ts';
import { seal } from '../seal.ts';
import { readStop, writeStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { googleUsage } from '../usage-out.ts';
import { type Json, list, object, text } from '../wire.ts';

/** @param id for a call that has none */
export function readGooglePart(part: Json, id: string): Part[] {
  const proof = text(part.thoughtSignature);
  const signature = proof === undefined ? {} : { signature: { wire: 'google' as const, value: proof } };
  if (part.functionCall) {
    const call = object(part.functionCall);
    const input = JSON.stringify(call.args ?? {});
    return [{ kind: 'call', id: text(call.id) ?? id, name: text(call.name) ?? '', input, ...signature }];
  }
  if (typeof part.text === 'string') {
    if (part.thought === true) return [{ kind: 'thinking', text: part.text, ...signature }];
    const before: Part[] = proof === undefined ? [] : [{ kind: 'thinking', text: '', ...signature }];
    return part.text === '' ? before : [...before, { kind: 'text', text: part.text }];
  }
  const inline = object(part.inlineData);
  if (typeof inline.data !== 'string') return [];
  return [{ kind: 'media', mediaType: text(inline.mimeType) ?? 'image/png', data: inline.data }];
}

export function readGoogleAnswer(body: Json): Answer {
  const candidate = list(body.candidates)[0] ?? {};
  const id = text(body.responseId) ?? '';
  const parts = list(object(candidate.content).parts).flatMap((part, at) => readGooglePart(part, `call_${id}_${at}`));
  const blocked = object(body.promptFeedback).blockReason !== undefined;
  const usage = noUse();
  readUsage('google', object(body.usageMetadata), usage);
  const calls = parts.some((part) => part.kind === 'call');
  return {
    id,
    model: text(body.modelVersion) ?? '',
    parts,
    stop: blocked ? 'refused' : readStop('google', text(candidate.finishReason) ?? 'STOP', calls),
    usage: body.usageMetadata === undefined ? undefined : usage,
  };
}

export function writeGooglePart(part: Part): Json[] {
  switch (part.kind) {
    case 'text':
      return [{ text: part.text }];
    case 'thinking':
      return [
        {
          text: part.text,
          thought: true,
          ...(part.signature ? { thoughtSignature: seal('google', part.signature) } : {}),
        },
      ];
    case 'call':
      return [
        {
          functionCall: { id: part.id, name: part.name, args: inputObject(part.input) },
          ...(part.signature ? { thoughtSignature: seal('google', part.signature) } : {}),
        },
      ];
    case 'media':
      return [{ inlineData: { mimeType: part.mediaType, data: part.data ?? '' } }];
    case 'result':
      return [];
  }
}

export function writeGoogleAnswer(answer: Answer, context: WriterContext): Json {
  return {
    candidates: [
      {
        content: { role: 'model', parts: answer.parts.flatMap(writeGooglePart) },
        finishReason: writeStop('google', answer.stop),
        index: 0,
      },
    ],
    usageMetadata: googleUsage(answer.usage ?? noUse()),
    modelVersion: answer.model || context.model,
    responseId: answer.id || context.id,
  };
}

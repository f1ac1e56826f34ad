/** Whole answers in the dialect of OpenAI's chat completions, read and written. Pure. */
import { noUse } from '../../cost.ts';
import { mediaFromUrl, urlOfMedia } from '../media.ts';
import { type Answer, freeFormText, type Part, type Signature, textOfParts, type WriterContext } from '../neutral.ts';
import { seal } from '../seal.ts';
import { readStop, writeStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { chatUsage } from '../usage-out.ts';
import { type Json, list, object, text } from '../wire.ts';

/** A call may carry Google's proof of the thought that led to it. */
export function googleProof(call: Json): { signature?: Signature } {
  const proof = text(object(object(call.extra_content).google).thought_signature);
  return proof === undefined ? {} : { signature: { wire: 'google', value: proof } };
}

function callOf(call: Json): Part {
  const made = object(call.type === 'custom' ? call.custom : call.function);
  const input =
    call.type === 'custom' ? JSON.stringify({ input: text(made.input) ?? '' }) : (text(made.arguments) ?? '');
  return { kind: 'call', id: text(call.id) ?? '', name: text(made.name) ?? '', input, ...googleProof(call) };
}

export function thoughtIn(message: Json): string {
  return text(message.reasoning_content) ?? text(message.reasoning) ?? '';
}

export function readChatAnswer(body: Json): Answer {
  const choice = list(body.choices)[0] ?? {};
  const message = object(choice.message);
  const thought = thoughtIn(message);
  const said = text(message.content) ?? text(message.refusal) ?? '';
  const usage = noUse();
  readUsage('chat', object(body.usage), usage);
  const images = list(message.images).map((image) =>
    mediaFromUrl(text(object(image.image_url).url) ?? '', 'image/png'),
  );
  return {
    id: text(body.id) ?? '',
    model: text(body.model) ?? '',
    parts: [
      ...(thought === ''
        ? []
        : [{ kind: 'thinking' as const, text: thought, signature: { wire: 'chat' as const, value: '' } }]),
      ...(said === '' ? [] : [{ kind: 'text' as const, text: said }]),
      ...images,
      ...list(message.tool_calls).map(callOf),
    ],
    stop: readStop('chat', text(choice.finish_reason) ?? '', list(message.tool_calls).length > 0),
    usage: body.usage === undefined ? undefined : usage,
  };
}

/** Google's proof travels where its own OpenAI endpoint puts it. */
export function proofFields(signature: Signature | undefined): Json {
  if (!signature) return {};
  return { extra_content: { google: { thought_signature: seal('google', signature) } } };
}

function writeCall(part: Extract<Part, { kind: 'call' }>, context: WriterContext): Json {
  const { id, name, input, signature } = part;
  if (context.freeForm.has(name)) return { id, type: 'custom', custom: { name, input: freeFormText(input) } };
  return { id, type: 'function', function: { name, arguments: input || '{}' }, ...proofFields(signature) };
}

export function writeChatAnswer(answer: Answer, context: WriterContext): Json {
  const calls = answer.parts.filter((part) => part.kind === 'call');
  const media = answer.parts.filter((part) => part.kind === 'media');
  const thought = answer.parts
    .map((part) => (part.kind === 'thinking' ? part.text : ''))
    .filter((each) => each !== '')
    .join('\n');
  const message = {
    role: 'assistant',
    content: textOfParts(answer.parts) || null,
    refusal: null,
    ...(thought === '' ? {} : { reasoning_content: thought }),
    ...(media.length === 0
      ? {}
      : { images: media.map((part) => ({ type: 'image_url', image_url: { url: urlOfMedia(part) } })) }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((part) => writeCall(part, context)) }),
  };
  return {
    id: answer.id.startsWith('chatcmpl') ? answer.id : `chatcmpl-${context.id}`,
    object: 'chat.completion',
    created: context.created,
    model: answer.model || context.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: writeStop('chat', answer.stop) }],
    usage: chatUsage(answer.usage ?? noUse()),
  };
}

/** A step as the answer of a provider: whole, or as the events of a stream, in either dialect. Pure. */
import type { Conversation } from './conversation.ts';
import type { Step } from './scripts.ts';

export interface Counts {
  input: number;
  cached: number;
  output: number;
}

type Json = Record<string, unknown>;

const CHUNK = 24;

/** Believable token counts: most of a growing conversation was read from the cache. */
export function countsFor(conversation: Conversation, step: Step): Counts {
  const total = Math.ceil(conversation.size / 4);
  const cached = conversation.turns > 0 ? Math.floor(total * 0.8) : 0;
  const text =
    step.kind === 'tool' ? JSON.stringify(step.input) + (step.text ?? '') : step.kind === 'say' ? step.text : '';
  return { input: total - cached, cached, output: Math.max(1, Math.ceil(text.length / 4)) };
}

function pieces(text: string): string[] {
  return text.match(new RegExp(`[\\s\\S]{1,${CHUNK}}`, 'gu')) ?? [''];
}

const words = (step: Step) =>
  step.kind === 'say' ? step.text : step.kind === 'tool' ? (step.text ?? '') : 'This answer is cut off in the mid';

function anthropicUsage(counts: Counts): Json {
  return {
    input_tokens: counts.input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: counts.cached,
    output_tokens: counts.output,
  };
}

export function anthropicBody(id: string, conversation: Conversation, step: Step, counts: Counts): Json {
  const text = words(step);
  const content: Json[] = text === '' ? [] : [{ type: 'text', text }];
  if (step.kind === 'tool') content.push({ type: 'tool_use', id: `toolu_${id}`, name: step.tool, input: step.input });
  const stop = step.kind === 'tool' ? 'tool_use' : 'end_turn';
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model: conversation.model,
    content,
    stop_reason: stop,
    stop_sequence: null,
    usage: anthropicUsage(counts),
  };
}

export function anthropicEvents(id: string, conversation: Conversation, step: Step, counts: Counts): string[] {
  const event = (type: string, data: Json) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const usage = { ...anthropicUsage(counts), output_tokens: 1 };
  const message = {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model: conversation.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  const events = [event('message_start', { message }), event('ping', {})];
  let index = 0;
  const text = words(step);
  if (text !== '') {
    events.push(event('content_block_start', { index, content_block: { type: 'text', text: '' } }));
    for (const piece of pieces(text))
      events.push(event('content_block_delta', { index, delta: { type: 'text_delta', text: piece } }));
    events.push(event('content_block_stop', { index }));
    index += 1;
  }
  if (step.kind === 'tool') {
    events.push(
      event('content_block_start', {
        index,
        content_block: { type: 'tool_use', id: `toolu_${id}`, name: step.tool, input: {} },
      }),
    );
    for (const piece of pieces(JSON.stringify(step.input)))
      events.push(event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: piece } }));
    events.push(event('content_block_stop', { index }));
  }
  const stop = step.kind === 'tool' ? 'tool_use' : 'end_turn';
  events.push(
    event('message_delta', {
      delta: { stop_reason: stop, stop_sequence: null },
      usage: { output_tokens: counts.output },
    }),
  );
  events.push(event('message_stop', {}));
  return events;
}

function chatUsage(counts: Counts): Json {
  const prompt = counts.input + counts.cached;
  return {
    prompt_tokens: prompt,
    completion_tokens: counts.output,
    total_tokens: prompt + counts.output,
    prompt_tokens_details: { cached_tokens: counts.cached },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

const toolCall = (id: string, step: Step & { kind: 'tool' }) => ({
  id: `call_${id}`,
  type: 'function',
  function: { name: step.tool, arguments: JSON.stringify(step.input) },
});

export function chatBody(id: string, conversation: Conversation, step: Step, counts: Counts): Json {
  const message = {
    role: 'assistant',
    content: words(step) || null,
    ...(step.kind === 'tool' ? { tool_calls: [toolCall(id, step)] } : {}),
  };
  const choice = { index: 0, message, finish_reason: step.kind === 'tool' ? 'tool_calls' : 'stop' };
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: 0,
    model: conversation.model,
    choices: [choice],
    usage: chatUsage(counts),
  };
}

export function chatEvents(
  id: string,
  conversation: Conversation,
  step: Step,
  counts: Counts,
  withUsage: boolean,
): string[] {
  const head = { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created: 0, model: conversation.model };
  const chunk = (delta: Json, finish: string | null = null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const events = [chunk({ role: 'assistant', content: '' })];
  const text = words(step);
  if (text !== '') for (const piece of pieces(text)) events.push(chunk({ content: piece }));
  if (step.kind === 'tool') events.push(chunk({ tool_calls: [{ index: 0, ...toolCall(id, step) }] }));
  events.push(chunk({}, step.kind === 'tool' ? 'tool_calls' : 'stop'));
  if (withUsage) events.push(`data: ${JSON.stringify({ ...head, choices: [], usage: chatUsage(counts) })}\n\n`);
  events.push('data: [DONE]\n\n');
  return events;
}

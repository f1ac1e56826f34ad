/** Writes a request in the dialect of OpenAI's chat completions. Pure. */
import { urlOfMedia } from '../media.ts';
import { type NeutralRequest, type Part, type Turn, textOfParts } from '../neutral.ts';
import { effortOf } from '../thinking.ts';
import type { Json } from '../wire.ts';

export interface OpenAiTarget {
  model: string;
  /** OpenAI's own service, or one that follows it to the letter. */
  official: boolean;
}

/** Models that think, and take no sampling settings. */
export const REASONS = /^(o\d|gpt-[5-9]|gpt-oss|codex)/;

/** The effort a model takes; undefined when it takes none. */
export function openAiEffort(request: NeutralRequest, { model, official }: OpenAiTarget): string | undefined {
  const effort = request.thinking && effortOf(request.thinking);
  if (effort === undefined || (official ? !REASONS.test(model) : request.thinking?.effort === undefined))
    return undefined;
  const newest = /^gpt-(5\.[1-9]|[6-9])/.test(model) || !official;
  if (effort === 'none') return newest ? 'none' : model.startsWith('gpt-5') ? 'minimal' : 'low';
  if (effort === 'minimal') return newest ? 'low' : effort;
  if (effort === 'xhigh' || effort === 'max') return newest ? 'xhigh' : 'high';
  return effort;
}

function mediaContent(part: Extract<Part, { kind: 'media' }>): Json {
  if (part.mediaType.startsWith('image/')) return { type: 'image_url', image_url: { url: urlOfMedia(part) } };
  if (part.mediaType.startsWith('audio/') && part.data !== undefined)
    return { type: 'input_audio', input_audio: { data: part.data, format: part.mediaType.slice('audio/'.length) } };
  return { type: 'file', file: { filename: part.name ?? 'document.pdf', file_data: urlOfMedia(part) } };
}

function userMessages(parts: readonly Part[]): Json[] {
  const results = parts.filter((part) => part.kind === 'result');
  const media = results.flatMap((result) => result.parts.filter((part) => part.kind === 'media'));
  const own = [...media, ...parts.filter((part) => part.kind === 'text' || part.kind === 'media')];
  const tools = results.map((result) => ({
    role: 'tool',
    tool_call_id: result.id,
    content: (result.failed ? 'Error: ' : '') + textOfParts(result.parts) || '(no text)',
  }));
  if (own.length === 0) return tools;
  const plain = own.every((part) => part.kind === 'text');
  const content = plain
    ? textOfParts(own)
    : own.map((part) => (part.kind === 'media' ? mediaContent(part) : { type: 'text', text: textOfParts([part]) }));
  return [...tools, { role: 'user', content }];
}

function assistantMessage(parts: readonly Part[]): Json {
  const calls = parts.filter((part) => part.kind === 'call');
  const thought = parts
    .filter((part) => part.kind === 'thinking' && part.signature?.wire === 'chat')
    .map((part) => (part.kind === 'thinking' ? part.text : ''))
    .join('\n');
  const content = textOfParts(parts);
  return {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    ...(thought === '' ? {} : { reasoning_content: thought }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: 'function',
            function: { name, arguments: input === '' ? '{}' : input },
          })),
        }),
  };
}

const messagesOf = ({ role, parts }: Turn): Json[] =>
  role === 'assistant' ? [assistantMessage(parts)] : userMessages(parts);

function toolFields(request: NeutralRequest): Json {
  if (request.tools.length === 0) return {};
  const { toolChoice } = request;
  const choice =
    typeof toolChoice === 'object'
      ? { type: 'function', function: { name: toolChoice.name } }
      : toolChoice === 'any'
        ? 'required'
        : toolChoice;
  return {
    tools: request.tools.map(({ name, description, schema }) => ({
      type: 'function',
      function: {
        name,
        ...(description === undefined ? {} : { description }),
        parameters: { type: 'object', properties: {}, ...schema },
      },
    })),
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(request.oneCallAtATime ? { parallel_tool_calls: false } : {}),
  };
}

function formatFields({ format }: NeutralRequest): Json {
  if (!format) return {};
  const { name, schema, strict } = format;
  if (!schema) return { response_format: { type: 'json_object' } };
  return { response_format: { type: 'json_schema', json_schema: { name, schema, strict: strict ?? false } } };
}

export function writeChatRequest(request: NeutralRequest, target: OpenAiTarget): Json {
  const effort = openAiEffort(request, target);
  const reasons = target.official && REASONS.test(target.model);
  const system = request.system.filter((each) => each !== '').join('\n\n');
  const limit = target.official ? 'max_completion_tokens' : 'max_tokens';
  return {
    model: target.model,
    messages: [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      ...request.turns.filter(({ parts }) => parts.length > 0).flatMap(messagesOf),
    ],
    ...(request.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(request.maxTokens === undefined ? {} : { [limit]: request.maxTokens }),
    ...(request.temperature === undefined || reasons ? {} : { temperature: request.temperature }),
    ...(request.topP === undefined || reasons ? {} : { top_p: request.topP }),
    ...(request.stop.length === 0 || reasons ? {} : { stop: request.stop.slice(0, 4) }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...toolFields(request),
    ...formatFields(request),
  };
}

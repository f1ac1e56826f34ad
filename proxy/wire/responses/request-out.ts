/** Writes a request in the dialect of OpenAI's responses. Nothing is stored there: the thoughts travel with the conversation. Pure. */
import { type OpenAiTarget, openAiEffort, REASONS } from '../chat/request-out.ts';
import { urlOfMedia } from '../media.ts';
import { type NeutralRequest, type Part, type Turn, textOfParts } from '../neutral.ts';
import type { Json } from '../wire.ts';

function inputContent(part: Part): Json | undefined {
  if (part.kind === 'text') return { type: 'input_text', text: part.text };
  if (part.kind !== 'media') return undefined;
  if (part.mediaType.startsWith('image/')) return { type: 'input_image', image_url: urlOfMedia(part), detail: 'auto' };
  if (part.data === undefined) return { type: 'input_file', file_url: part.url ?? '' };
  return { type: 'input_file', filename: part.name ?? 'document.pdf', file_data: urlOfMedia(part) };
}

const contents = (parts: readonly Part[]): Json[] => parts.map(inputContent).filter((each) => each !== undefined);

/** The id of a thought stands before its encrypted content. */
function reasoningItem(text: string, value: string): Json {
  const space = value.indexOf(' ');
  return {
    type: 'reasoning',
    id: value.slice(0, Math.max(0, space)),
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
    encrypted_content: value.slice(space + 1),
  };
}

function resultItem(part: Extract<Part, { kind: 'result' }>): Json {
  const plain = part.parts.every((each) => each.kind === 'text');
  const mark = part.failed ? 'Error: ' : '';
  const output = plain ? mark + textOfParts(part.parts) : contents(part.parts);
  return { type: 'function_call_output', call_id: part.id, output };
}

function assistantItem(part: Part): Json | undefined {
  switch (part.kind) {
    case 'text':
      return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: part.text }] };
    case 'call':
      return { type: 'function_call', call_id: part.id, name: part.name, arguments: part.input || '{}' };
    case 'thinking':
      return part.signature?.wire === 'responses' ? reasoningItem(part.text, part.signature.value) : undefined;
    default:
      return undefined;
  }
}

function itemsOf({ role, parts }: Turn): Json[] {
  if (role === 'assistant') return parts.map(assistantItem).filter((item) => item !== undefined);
  const results = parts.filter((part) => part.kind === 'result').map(resultItem);
  const own = contents(parts);
  return own.length === 0 ? results : [...results, { type: 'message', role: 'user', content: own }];
}

function toolFields({ tools, toolChoice, oneCallAtATime }: NeutralRequest): Json {
  if (tools.length === 0) return {};
  const choice =
    typeof toolChoice === 'object'
      ? { type: 'function', name: toolChoice.name }
      : toolChoice === 'any'
        ? 'required'
        : toolChoice;
  return {
    tools: tools.map(({ name, description, schema }) => ({
      type: 'function',
      name,
      ...(description === undefined ? {} : { description }),
      parameters: { type: 'object', properties: {}, ...schema },
      strict: false,
    })),
    ...(choice === undefined ? {} : { tool_choice: choice }),
    ...(oneCallAtATime ? { parallel_tool_calls: false } : {}),
  };
}

function formatFields({ format }: NeutralRequest): Json {
  if (!format) return {};
  const { name, schema, strict } = format;
  if (!schema) return { text: { format: { type: 'json_object' } } };
  return { text: { format: { type: 'json_schema', name, schema, strict: strict ?? false } } };
}

export function writeResponsesRequest(request: NeutralRequest, target: OpenAiTarget): Json {
  const effort = openAiEffort(request, target);
  const reasons = target.official ? REASONS.test(target.model) : request.thinking !== undefined;
  const instructions = request.system.filter((each) => each !== '').join('\n\n');
  const reasoning = {
    ...(effort === undefined ? {} : { effort }),
    ...(request.thinking?.show ? { summary: 'auto' } : {}),
  };
  return {
    model: target.model,
    ...(instructions === '' ? {} : { instructions }),
    input: request.turns.flatMap(itemsOf),
    store: false,
    ...(request.stream ? { stream: true } : {}),
    ...(request.maxTokens === undefined ? {} : { max_output_tokens: Math.max(16, request.maxTokens) }),
    ...(request.temperature === undefined || reasons ? {} : { temperature: request.temperature }),
    ...(request.topP === undefined || reasons ? {} : { top_p: request.topP }),
    ...(reasons ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(reasons && Object.keys(reasoning).length > 0 ? { reasoning } : {}),
    ...toolFields(request),
    ...formatFields(request),
  };
}

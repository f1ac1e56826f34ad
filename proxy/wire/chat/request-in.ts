/** Reads a request in the dialect of OpenAI's chat completions. Pure. */
import { mediaFromUrl } from '../media.ts';
import { FREE_FORM_SCHEMA, type NeutralRequest, type Part, type Tool, type Turn, WireError } from '../neutral.ts';
import { unseal } from '../seal.ts';
import { asEffort } from '../thinking.ts';
import { count, type Json, list, object, text } from '../wire.ts';

export function partOfContent(block: Json, dropped: Set<string>): Part | undefined {
  switch (block.type) {
    case 'text':
      return { kind: 'text', text: text(block.text) ?? '' };
    case 'refusal':
      return { kind: 'text', text: text(block.refusal) ?? '' };
    case 'image_url':
      return mediaFromUrl(text(object(block.image_url).url) ?? text(block.image_url) ?? '', 'image/png');
    case 'input_audio': {
      const { data, format } = object(block.input_audio);
      return { kind: 'media', mediaType: `audio/${text(format) ?? 'wav'}`, data: text(data) ?? '' };
    }
    case 'file': {
      const { file_data, filename } = object(block.file);
      if (typeof file_data === 'string') return mediaFromUrl(file_data, 'application/pdf', text(filename));
      break;
    }
  }
  dropped.add(`content:${String(block.type)}`);
  return undefined;
}

function partsOf(content: unknown, dropped: Set<string>): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  return list(content)
    .map((block) => partOfContent(block, dropped))
    .filter((part) => part !== undefined);
}

function callOf(call: Json): Part {
  const made = object(call.type === 'custom' ? call.custom : call.function);
  const input =
    call.type === 'custom' ? JSON.stringify({ input: text(made.input) ?? '' }) : (text(made.arguments) ?? '');
  const proof = text(object(object(call.extra_content).google).thought_signature);
  return {
    kind: 'call',
    id: text(call.id) ?? '',
    name: text(made.name) ?? '',
    input,
    ...(proof === undefined ? {} : { signature: { ...unseal('google', proof) } }),
  };
}

function assistantParts(message: Json, dropped: Set<string>): Part[] {
  const thought = text(message.reasoning_content) ?? text(message.reasoning);
  const thinking: Part[] =
    thought === undefined || thought === ''
      ? []
      : [{ kind: 'thinking', text: thought, signature: { wire: 'chat', value: '' } }];
  return [...thinking, ...partsOf(message.content, dropped), ...list(message.tool_calls).map(callOf)];
}

function turnOf(message: Json, dropped: Set<string>): Turn {
  if (message.role === 'assistant') return { role: 'assistant', parts: assistantParts(message, dropped) };
  const parts = partsOf(message.content, dropped);
  if (message.role !== 'tool') return { role: 'user', parts };
  return {
    role: 'user',
    parts: [{ kind: 'result', id: text(message.tool_call_id) ?? '', parts, failed: false }],
  };
}

function toolOf(tool: Json): Tool | undefined {
  const made = object(tool.type === 'custom' ? tool.custom : tool.function);
  if (tool.type !== 'function' && tool.type !== 'custom') return undefined;
  return {
    name: text(made.name) ?? '',
    ...(typeof made.description === 'string' ? { description: made.description } : {}),
    schema: tool.type === 'custom' ? FREE_FORM_SCHEMA : object(made.parameters),
  };
}

function choiceOf(choice: unknown): NeutralRequest['toolChoice'] {
  if (choice === 'required') return 'any';
  if (choice === 'auto' || choice === 'none') return choice;
  const name = text(object(object(choice).function ?? object(choice).custom).name);
  return name === undefined ? undefined : { name };
}

function formatOf(format: Json): NeutralRequest['format'] {
  if (format.type === 'json_object') return { name: 'answer' };
  if (format.type !== 'json_schema') return undefined;
  const { name, schema, strict } = object(format.json_schema);
  return { name: text(name) ?? 'answer', schema: object(schema), strict: strict === true };
}

export function stopList(stop: unknown): string[] {
  if (typeof stop === 'string') return [stop];
  return Array.isArray(stop) ? stop.map(String) : [];
}

const isSystem = (message: Json) => message.role === 'system' || message.role === 'developer';

/** @throws WireError when several answers are wanted at once */
export function readChatRequest(body: Json, model: string): NeutralRequest {
  if (typeof body.n === 'number' && body.n > 1) throw new WireError('This provider gives one answer at a time ("n").');
  const dropped = new Set<string>();
  const messages = list(body.messages);
  const first = messages.findIndex((message) => !isSystem(message));
  const head = first < 0 ? messages : messages.slice(0, first);
  const tools = list(body.tools);
  for (const tool of tools) if (!toolOf(tool)) dropped.add(`tool:${String(tool.type)}`);
  const effort = asEffort(body.reasoning_effort);
  const maxTokens = count(body.max_completion_tokens ?? body.max_tokens);
  const [toolChoice, format] = [choiceOf(body.tool_choice), formatOf(object(body.response_format))];
  return {
    model,
    stream: body.stream === true,
    system: head.map(
      (message) =>
        text(message.content) ??
        list(message.content)
          .map((each) => each.text)
          .join('\n'),
    ),
    turns: messages.slice(head.length).map((message) => turnOf(message, dropped)),
    tools: tools.map(toolOf).filter((tool) => tool !== undefined),
    stop: stopList(body.stop),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(typeof body.temperature === 'number' ? { temperature: body.temperature } : {}),
    ...(typeof body.top_p === 'number' ? { topP: body.top_p } : {}),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(body.parallel_tool_calls === false ? { oneCallAtATime: true } : {}),
    ...(effort === undefined ? {} : { thinking: { effort, show: true } }),
    ...(format ? { format } : {}),
    freeForm: new Set(
      tools.filter((tool) => tool.type === 'custom').map((tool) => text(object(tool.custom).name) ?? ''),
    ),
    dropped: [...dropped],
  };
}

/** Reads a request in the dialect of OpenAI's responses. Pure. */
import { mediaFromUrl } from '../media.ts';
import { FREE_FORM_SCHEMA, type NeutralRequest, type Part, type Tool, type Turn, WireError } from '../neutral.ts';
import { unseal } from '../seal.ts';
import { asEffort } from '../thinking.ts';
import { count, type Json, list, object, text } from '../wire.ts';
import { type FlatTools, flattened } from './namespaces.ts';

function contentPart(block: Json, dropped: Set<string>): Part | undefined {
  switch (block.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { kind: 'text', text: text(block.text) ?? '' };
    case 'refusal':
      return { kind: 'text', text: text(block.refusal) ?? '' };
    case 'input_image':
      if (typeof block.image_url === 'string') return mediaFromUrl(block.image_url, 'image/png');
      break;
    case 'input_file': {
      const url = text(block.file_data) ?? text(block.file_url);
      if (url !== undefined) return mediaFromUrl(url, 'application/pdf', text(block.filename));
      break;
    }
  }
  dropped.add(`content:${String(block.type)}`);
  return undefined;
}

function partsOf(content: unknown, dropped: Set<string>): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  return list(content)
    .map((block) => contentPart(block, dropped))
    .filter((part) => part !== undefined);
}

function thoughtOf(item: Json): Part {
  const texts = [...list(item.summary), ...list(item.content)].map((each) => text(each.text) ?? '');
  const sealed = text(item.encrypted_content);
  const found = sealed === undefined ? undefined : unseal('responses', sealed);
  // An own thought is known by its id as well.
  const signature = found?.wire === 'responses' ? { ...found, value: `${text(item.id) ?? ''} ${found.value}` } : found;
  return { kind: 'thinking', text: texts.join('\n\n'), ...(signature ? { signature } : {}) };
}

function resultOf(item: Json, dropped: Set<string>): Part {
  return { kind: 'result', id: text(item.call_id) ?? '', parts: partsOf(item.output, dropped), failed: false };
}

/** @throws WireError for what only OpenAI itself can look up */
function turnOf(item: Json, dropped: Set<string>, nameOf: FlatTools['nameOf']): Turn | undefined {
  const assistant = (part: Part): Turn => ({ role: 'assistant', parts: [part] });
  const call = { kind: 'call' as const, id: text(item.call_id) ?? '', name: nameOf(item) };
  switch (item.type ?? 'message') {
    case 'message':
      return { role: item.role === 'assistant' ? 'assistant' : 'user', parts: partsOf(item.content, dropped) };
    case 'function_call':
      return assistant({ ...call, input: text(item.arguments) ?? '' });
    case 'custom_tool_call':
      return assistant({ ...call, input: JSON.stringify({ input: text(item.input) ?? '' }) });
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { role: 'user', parts: [resultOf(item, dropped)] };
    case 'reasoning':
      return assistant(thoughtOf(item));
    case 'item_reference':
      throw new WireError('"item_reference" names something that only OpenAI has stored; send the item itself.');
    default:
      dropped.add(`item:${String(item.type)}`);
      return undefined;
  }
}

function turnsOf(items: readonly Json[], dropped: Set<string>, nameOf: FlatTools['nameOf']): Turn[] {
  const turns: Turn[] = [];
  for (const item of items) {
    const turn = turnOf(item, dropped, nameOf);
    const last = turns.at(-1);
    if (turn && last?.role === turn.role) last.parts.push(...turn.parts);
    else if (turn) turns.push(turn);
  }
  return turns;
}

function toolOf(tool: Json): Tool | undefined {
  const name = text(tool.name) ?? '';
  const described = typeof tool.description === 'string' ? { description: tool.description } : {};
  if (tool.type === 'function') return { name, ...described, schema: object(tool.parameters) };
  if (tool.type !== 'custom') return undefined;
  const { definition } = object(tool.format);
  const grammar = typeof definition === 'string' ? `\n\nThe input is plain text of this grammar:\n${definition}` : '';
  return { name, description: `${text(tool.description) ?? ''}${grammar}`, schema: FREE_FORM_SCHEMA };
}

function choiceOf(choice: unknown, nameOf: FlatTools['nameOf']): NeutralRequest['toolChoice'] {
  if (choice === 'required') return 'any';
  if (choice === 'auto' || choice === 'none') return choice;
  const name = nameOf(object(choice));
  return name === '' ? undefined : { name };
}

function formatOf(format: Json): NeutralRequest['format'] {
  if (format.type === 'json_object') return { name: 'answer' };
  if (format.type !== 'json_schema') return undefined;
  return { name: text(format.name) ?? 'answer', schema: object(format.schema), strict: format.strict === true };
}

function thinkingOf(reasoning: Json): NeutralRequest['thinking'] {
  const effort = asEffort(reasoning.effort);
  const show = reasoning.summary !== undefined && reasoning.summary !== null;
  return effort === undefined && !show ? undefined : { show, ...(effort === undefined ? {} : { effort }) };
}

const isSystem = (item: Json) => item.role === 'system' || item.role === 'developer';

/** @throws WireError for what only OpenAI itself can look up */
export function readResponsesRequest(body: Json, model: string): NeutralRequest {
  for (const name of ['previous_response_id', 'conversation', 'prompt'])
    if (body[name] !== undefined && body[name] !== null)
      throw new WireError(`"${name}" names something that only OpenAI has stored; send the whole conversation.`);
  const dropped = new Set<string>();
  const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : list(body.input);
  const first = items.findIndex((item) => !isSystem(item));
  const head = first < 0 ? items : items.slice(0, first);
  const { tools, places, nameOf } = flattened(list(body.tools));
  for (const tool of tools) if (!toolOf(tool)) dropped.add(`tool:${String(tool.type)}`);
  const maxTokens = count(body.max_output_tokens);
  const [toolChoice, format] = [choiceOf(body.tool_choice, nameOf), formatOf(object(object(body.text).format))];
  const thinking = thinkingOf(object(body.reasoning));
  return {
    model,
    stream: body.stream === true,
    system: [
      ...(typeof body.instructions === 'string' ? [body.instructions] : []),
      ...head.map(
        (item) =>
          text(item.content) ??
          list(item.content)
            .map((each) => each.text)
            .join('\n'),
      ),
    ],
    turns: turnsOf(items.slice(head.length), dropped, nameOf),
    tools: tools.map(toolOf).filter((tool) => tool !== undefined),
    stop: [],
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(typeof body.temperature === 'number' ? { temperature: body.temperature } : {}),
    ...(typeof body.top_p === 'number' ? { topP: body.top_p } : {}),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(body.parallel_tool_calls === false ? { oneCallAtATime: true } : {}),
    ...(thinking ? { thinking } : {}),
    ...(format ? { format } : {}),
    freeForm: new Set(tools.filter((tool) => tool.type === 'custom').map((tool) => text(tool.name) ?? '')),
    ...(places.size > 0 ? { places } : {}),
    dropped: [...dropped],
  };
}

/** Reads a request in Anthropic's dialect. Pure. */
import type { NeutralRequest, Part, Thinking, Turn } from '../neutral.ts';
import { unseal } from '../seal.ts';
import { asEffort } from '../thinking.ts';
import { count, type Json, list, object, text } from '../wire.ts';

function mediaOf(source: Json, fallback: string, name?: unknown): Part | undefined {
  const mediaType = text(source.media_type) ?? fallback;
  const named = typeof name === 'string' ? { name } : {};
  if (source.type === 'base64') return { kind: 'media', mediaType, data: text(source.data) ?? '', ...named };
  if (source.type === 'url') return { kind: 'media', mediaType, url: text(source.url) ?? '', ...named };
  if (source.type === 'text') return { kind: 'text', text: text(source.data) ?? '' };
  return undefined;
}

function thoughtOf(block: Json): Part {
  const signature = unseal('anthropic', text(block.signature) ?? '');
  const known = signature.value !== '' || signature.wire !== 'anthropic';
  return { kind: 'thinking', text: text(block.thinking) ?? '', ...(known ? { signature } : {}) };
}

function partOf(block: Json, dropped: Set<string>): Part | undefined {
  switch (block.type) {
    case 'text':
      return { kind: 'text', text: text(block.text) ?? '' };
    case 'image':
      return mediaOf(object(block.source), 'image/png');
    case 'document':
      return mediaOf(object(block.source), 'application/pdf', block.title);
    case 'thinking':
      return thoughtOf(block);
    case 'redacted_thinking': {
      const signature = unseal('anthropic', text(block.data) ?? '');
      return { kind: 'thinking', text: '', signature: { ...signature, redacted: true } };
    }
    case 'tool_use':
      return {
        kind: 'call',
        id: text(block.id) ?? '',
        name: text(block.name) ?? '',
        input: JSON.stringify(block.input ?? {}),
      };
    case 'tool_result':
      return {
        kind: 'result',
        id: text(block.tool_use_id) ?? '',
        parts: partsOf(block.content, dropped),
        failed: block.is_error === true,
      };
    default:
      dropped.add(`block:${String(block.type)}`);
      return undefined;
  }
}

function partsOf(content: unknown, dropped: Set<string>): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  return list(content)
    .map((block) => partOf(block, dropped))
    .filter((part) => part !== undefined);
}

function systemOf(system: unknown): string[] {
  if (typeof system === 'string') return system === '' ? [] : [system];
  return list(system).map((block) => text(block.text) ?? '');
}

function thinkingOf(body: Json): Thinking | undefined {
  const { type, budget_tokens, display } = object(body.thinking);
  const effort = asEffort(object(body.output_config).effort);
  if (type === 'disabled') return { effort: 'none', show: false };
  const budget = type === 'enabled' ? count(budget_tokens) : undefined;
  if (type === undefined && effort === undefined) return undefined;
  return {
    show: type !== undefined && display !== 'omitted',
    ...(effort === undefined ? {} : { effort }),
    ...(budget === undefined ? {} : { budget }),
  };
}

function choiceOf(choice: Json): NeutralRequest['toolChoice'] {
  if (choice.type === 'tool') return { name: text(choice.name) ?? '' };
  return choice.type === 'auto' || choice.type === 'any' || choice.type === 'none' ? choice.type : undefined;
}

function formatOf(body: Json): NeutralRequest['format'] {
  const format = object(object(body.output_config).format ?? body.output_format);
  return format.type === 'json_schema' ? { name: 'answer', schema: object(format.schema), strict: true } : undefined;
}

const isOwnTool = (tool: Json) => tool.type === undefined || tool.type === null || tool.type === 'custom';

export function readAnthropicRequest(body: Json, model: string): NeutralRequest {
  const dropped = new Set<string>();
  const system = systemOf(body.system);
  const turns: Turn[] = [];
  for (const message of list(body.messages)) {
    const parts = partsOf(message.content, dropped);
    if (message.role === 'system' && turns.length === 0) system.push(...systemOf(message.content));
    else if (message.role === 'system') turns.push({ role: 'user', parts, system: true });
    else turns.push({ role: message.role === 'assistant' ? 'assistant' : 'user', parts });
  }
  const tools = list(body.tools);
  for (const tool of tools) if (!isOwnTool(tool)) dropped.add(`tool:${String(tool.type)}`);
  const choice = object(body.tool_choice);
  const [toolChoice, thinking, format] = [choiceOf(choice), thinkingOf(body), formatOf(body)];
  const numbers = { maxTokens: body.max_tokens, temperature: body.temperature, topP: body.top_p, topK: body.top_k };
  return {
    model,
    stream: body.stream === true,
    system,
    turns,
    tools: tools.filter(isOwnTool).map((tool) => ({
      name: text(tool.name) ?? '',
      ...(typeof tool.description === 'string' ? { description: tool.description } : {}),
      schema: object(tool.input_schema),
    })),
    stop: Array.isArray(body.stop_sequences) ? body.stop_sequences.map(String) : [],
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => typeof value === 'number')),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(choice.disable_parallel_tool_use === true ? { oneCallAtATime: true } : {}),
    ...(thinking ? { thinking } : {}),
    ...(format ? { format } : {}),
    freeForm: new Set(),
    dropped: [...dropped],
  };
}

/**
 * Writes a request in Anthropic's dialect. The prefix that stays the same from turn to turn is marked for the prompt cache,
 * as clients of the other dialects expect a cache without asking for one. Pure.
 */
import { inputObject, type NeutralRequest, type Part, type Turn } from '../neutral.ts';
import { budgetOf, effortOf } from '../thinking.ts';
import type { Json } from '../wire.ts';

const CACHE = { cache_control: { type: 'ephemeral' } };
const DEFAULT_MAX_TOKENS = 32_000;
const LEAST_BUDGET = 1024;
/** Models that take a budget of thoughts; later ones decide themselves and take an effort. */
const TAKES_BUDGET = /^claude-(3|opus-4(-[015])?(-\d{8})?$|sonnet-4(-5)?(-\d{8})?$|haiku-4)/;

function mediaBlock(part: Extract<Part, { kind: 'media' }>): Json {
  const source =
    part.data === undefined
      ? { type: 'url', url: part.url ?? '' }
      : { type: 'base64', media_type: part.mediaType, data: part.data };
  if (part.mediaType.startsWith('image/')) return { type: 'image', source };
  return { type: 'document', source, ...(part.name === undefined ? {} : { title: part.name }) };
}

function thoughtBlock(part: Extract<Part, { kind: 'thinking' }>): Json | undefined {
  const { signature } = part;
  // Thoughts of another model, or without proof, would be refused.
  if (signature?.wire !== 'anthropic' || signature.value === '') return undefined;
  if (signature.redacted) return { type: 'redacted_thinking', data: signature.value };
  return { type: 'thinking', thinking: part.text, signature: signature.value };
}

function blockOf(part: Part): Json | undefined {
  switch (part.kind) {
    case 'text':
      return part.text === '' ? undefined : { type: 'text', text: part.text };
    case 'media':
      return mediaBlock(part);
    case 'thinking':
      return thoughtBlock(part);
    case 'call':
      return { type: 'tool_use', id: part.id, name: part.name, input: inputObject(part.input) };
    case 'result':
      return {
        type: 'tool_result',
        tool_use_id: part.id,
        content: blocksOf(part.parts),
        ...(part.failed ? { is_error: true } : {}),
      };
  }
}

const blocksOf = (parts: readonly Part[]): Json[] => parts.map(blockOf).filter((block) => block !== undefined);

/** Turns of one role in a row become one; results stand first, as Anthropic demands. */
function messagesOf(turns: readonly Turn[]): { role: string; content: Json[] }[] {
  const messages: { role: string; content: Json[] }[] = [];
  for (const { role, parts } of turns) {
    const content = blocksOf(parts);
    if (content.length === 0) continue;
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content });
  }
  for (const message of messages) {
    const rank = (block: Json) => (block.type === 'tool_result' ? 0 : 1);
    if (message.role === 'user') message.content.sort((a, b) => rank(a) - rank(b));
  }
  return messages;
}

/** True when thinking can be on: a turn that goes on after tools has to begin with the thought it had. */
function mayThink(messages: readonly { role: string; content: Json[] }[]): boolean {
  const last = messages.findLast((message) => message.role === 'assistant');
  const following = messages.at(-1)?.content.some((block) => block.type === 'tool_result');
  return !last || !following || /thinking$/.test(String(last.content[0]?.type));
}

function thinkingFields(request: NeutralRequest, model: string, maxTokens: number): Json {
  const { thinking } = request;
  if (!thinking) return {};
  const [effort, budget] = [effortOf(thinking), budgetOf(thinking)];
  if (effort === 'none' || budget === 0) return {};
  if (!TAKES_BUDGET.test(model)) {
    const level = effort === 'minimal' ? 'low' : effort;
    return { thinking: { type: 'adaptive' }, ...(level === undefined ? {} : { output_config: { effort: level } }) };
  }
  const most = Math.min(Math.max(budget ?? LEAST_BUDGET, LEAST_BUDGET), maxTokens - 1);
  return most < LEAST_BUDGET ? {} : { thinking: { type: 'enabled', budget_tokens: most } };
}

function choiceFields(request: NeutralRequest, thinks: boolean): Json {
  const { toolChoice, oneCallAtATime } = request;
  if (request.tools.length === 0 || (toolChoice === undefined && !oneCallAtATime)) return {};
  const choice = toolChoice ?? 'auto';
  const forced = typeof choice === 'object' || choice === 'any';
  // While it thinks, a model cannot be forced to call.
  const type = forced && thinks ? 'auto' : typeof choice === 'object' ? 'tool' : choice;
  return {
    tool_choice: {
      type,
      ...(typeof choice === 'object' && type === 'tool' ? { name: choice.name } : {}),
      ...(oneCallAtATime && type !== 'none' ? { disable_parallel_tool_use: true } : {}),
    },
  };
}

function formatFields({ format }: NeutralRequest): Json {
  if (!format?.schema) return {};
  return { format: { type: 'json_schema', schema: format.schema } };
}

function systemBlocks(request: NeutralRequest): Json[] {
  const texts = request.system.filter((each) => each !== '');
  if (request.format && !request.format.schema) texts.push('Answer with one JSON value and nothing else.');
  return texts.map((text, at) => ({ type: 'text', text, ...(at === texts.length - 1 ? CACHE : {}) }));
}

export function writeAnthropicRequest(
  request: NeutralRequest,
  { model, maxOutput }: { model: string; maxOutput: number | undefined },
): Json {
  const messages = messagesOf(request.turns);
  const maxTokens = request.maxTokens ?? Math.min(maxOutput ?? DEFAULT_MAX_TOKENS, DEFAULT_MAX_TOKENS);
  const { thinking, output_config } = mayThink(messages) ? thinkingFields(request, model, maxTokens) : ({} as Json);
  const last = messages.at(-1)?.content.at(-1);
  if (last && last.type !== 'thinking' && last.type !== 'redacted_thinking') Object.assign(last, CACHE);
  const system = systemBlocks(request);
  const output = { ...(output_config as Json | undefined), ...formatFields(request) };
  const sampling = thinking ? {} : { temperature: request.temperature, top_p: request.topP, top_k: request.topK };
  return {
    model,
    max_tokens: maxTokens,
    ...(request.stream ? { stream: true } : {}),
    ...(system.length > 0 ? { system } : {}),
    messages,
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, schema }) => ({
            name,
            ...(description === undefined ? {} : { description }),
            input_schema: { type: 'object', ...schema },
          })),
        }
      : {}),
    ...choiceFields(request, thinking !== undefined),
    ...(request.stop.length > 0 ? { stop_sequences: request.stop } : {}),
    ...(thinking ? { thinking } : {}),
    ...(Object.keys(output).length > 0 ? { output_config: output } : {}),
    ...(sampling.temperature === undefined ? {} : { temperature: Math.min(1, sampling.temperature) }),
    ...(sampling.top_p === undefined || sampling.temperature !== undefined ? {} : { top_p: sampling.top_p }),
    ...(sampling.top_k === undefined ? {} : { top_k: sampling.top_k }),
  };
}

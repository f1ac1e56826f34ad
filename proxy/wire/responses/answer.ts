/** Whole answers in the dialect of OpenAI's responses, read and written. Pure. */
import type { TokenUse } from '../../../src/costs/schema.ts';
import { noUse } from '../../cost.ts';
import { type Answer, freeFormText, type Part, type Stop, type WriterContext } from '../neutral.ts';
import { seal } from '../seal.ts';
import { readStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { responsesUsage } from '../usage-out.ts';
import { type Json, list, object, text } from '../wire.ts';
import { flatName, placeOf } from './namespaces.ts';

/** Why a response ended: its state, and whether it calls a tool. */
export function responsesStop(response: Json, calls: boolean): Stop {
  if (object(response.incomplete_details).reason === 'content_filter') return 'refused';
  return readStop('responses', text(response.status) ?? '', calls);
}

export function thoughtSignature(item: Json): Extract<Part, { kind: 'thinking' }>['signature'] {
  const sealed = text(item.encrypted_content);
  return sealed === undefined ? undefined : { wire: 'responses', value: `${text(item.id) ?? ''} ${sealed}` };
}

function partsOf(item: Json): Part[] {
  const call = { kind: 'call' as const, id: text(item.call_id) ?? '', name: flatName(item) };
  switch (item.type) {
    case 'message':
      return list(item.content).map((part) => ({ kind: 'text', text: text(part.text) ?? text(part.refusal) ?? '' }));
    case 'function_call':
      return [{ ...call, input: text(item.arguments) ?? '' }];
    case 'custom_tool_call':
      return [{ ...call, input: JSON.stringify({ input: text(item.input) ?? '' }) }];
    case 'reasoning': {
      const texts = [...list(item.summary), ...list(item.content)].map((each) => text(each.text) ?? '');
      const signature = thoughtSignature(item);
      return [{ kind: 'thinking', text: texts.join('\n\n'), ...(signature ? { signature } : {}) }];
    }
    default:
      return [];
  }
}

export function readResponsesAnswer(body: Json): Answer {
  const parts = list(body.output).flatMap(partsOf);
  const usage = noUse();
  readUsage('responses', object(body.usage), usage);
  return {
    id: text(body.id) ?? '',
    model: text(body.model) ?? '',
    parts,
    stop: responsesStop(
      body,
      parts.some((part) => part.kind === 'call'),
    ),
    usage: body.usage === undefined || body.usage === null ? undefined : usage,
  };
}

export const outputText = (text: string): Json => ({ type: 'output_text', text, annotations: [], logprobs: [] });

export function messageItem(id: string, text: string): Json {
  return { id, type: 'message', status: 'completed', role: 'assistant', content: [outputText(text)] };
}

export function reasoningItem(id: string, text: string, sealed: string | undefined): Json {
  return {
    id,
    type: 'reasoning',
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
    ...(sealed === undefined ? {} : { encrypted_content: sealed }),
  };
}

export function callItem(
  id: string,
  call: { id: string; name: string; input: string },
  context: Pick<WriterContext, 'freeForm' | 'places'>,
): Json {
  const { name, input } = call;
  const what = { status: 'completed', call_id: call.id, ...placeOf(context, name) };
  if (context.freeForm.has(name)) return { id, type: 'custom_tool_call', ...what, input: freeFormText(input) };
  return { id, type: 'function_call', ...what, arguments: input || '{}' };
}

/** A response without its output; `status` and the reason follow from the stop. */
export function responseFrame(
  context: WriterContext,
  answer: { id: string; model: string; stop?: Stop; usage?: TokenUse | undefined; output: Json[] },
): Json {
  const { stop, usage, output } = answer;
  const cut = stop === 'length' ? 'max_output_tokens' : stop === 'refused' ? 'content_filter' : undefined;
  return {
    id: answer.id.startsWith('resp_') ? answer.id : `resp_${context.id}`,
    object: 'response',
    created_at: context.created,
    status: stop === undefined ? 'in_progress' : cut === undefined ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: cut === undefined ? null : { reason: cut },
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: answer.model || context.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: usage ? responsesUsage(usage) : null,
  };
}

function itemOf(part: Part, id: string, context: WriterContext): Json[] {
  switch (part.kind) {
    case 'text':
      return [messageItem(`msg_${id}`, part.text)];
    case 'thinking':
      return [reasoningItem(`rs_${id}`, part.text, part.signature && seal('responses', part.signature))];
    case 'call': {
      const proof = part.signature && reasoningItem(`rs_${id}`, '', seal('responses', part.signature));
      const call = callItem(`fc_${id}`, part, context);
      return proof ? [proof, call] : [call];
    }
    case 'media':
      return [messageItem(`msg_${id}`, `![image](data:${part.mediaType};base64,${part.data ?? ''})`)];
    case 'result':
      return [];
  }
}

export function writeResponsesAnswer(answer: Answer, context: WriterContext): Json {
  const output = answer.parts.flatMap((part, at) => itemOf(part, `${context.id}_${at}`, context));
  return responseFrame(context, { ...answer, usage: answer.usage ?? noUse(), output });
}

/** Whole answers in Anthropic's dialect, read and written. Pure. */
import { noUse } from '../../cost.ts';
import { type Answer, inputObject, type Part, type WriterContext } from '../neutral.ts';
import { seal } from '../seal.ts';
import { readStop, writeStop } from '../stops.ts';
import { readUsage } from '../usage.ts';
import { anthropicUsage } from '../usage-out.ts';
import { type Json, list, object, text } from '../wire.ts';

function partOf(block: Json): Part | undefined {
  switch (block.type) {
    case 'text':
      return { kind: 'text', text: text(block.text) ?? '' };
    case 'thinking':
      return {
        kind: 'thinking',
        text: text(block.thinking) ?? '',
        signature: { wire: 'anthropic', value: text(block.signature) ?? '' },
      };
    case 'redacted_thinking':
      return {
        kind: 'thinking',
        text: '',
        signature: { wire: 'anthropic', value: text(block.data) ?? '', redacted: true },
      };
    case 'tool_use':
      return {
        kind: 'call',
        id: text(block.id) ?? '',
        name: text(block.name) ?? '',
        input: JSON.stringify(block.input ?? {}),
      };
    default:
      return undefined;
  }
}

export function readAnthropicAnswer(body: Json): Answer {
  const usage = noUse();
  readUsage('anthropic', object(body.usage), usage);
  return {
    id: text(body.id) ?? '',
    model: text(body.model) ?? '',
    parts: list(body.content)
      .map(partOf)
      .filter((part) => part !== undefined),
    stop: readStop('anthropic', text(body.stop_reason) ?? '', false),
    usage: body.usage === undefined ? undefined : usage,
  };
}

function blocksOf(part: Part): Json[] {
  switch (part.kind) {
    case 'text':
      return [{ type: 'text', text: part.text, citations: null }];
    case 'thinking': {
      const { signature } = part;
      if (signature?.wire === 'anthropic' && signature.redacted)
        return [{ type: 'redacted_thinking', data: signature.value }];
      return [{ type: 'thinking', thinking: part.text, signature: signature ? seal('anthropic', signature) : '' }];
    }
    case 'call': {
      const call = { type: 'tool_use', id: part.id, name: part.name, input: inputObject(part.input) };
      const proof = part.signature && {
        type: 'thinking',
        thinking: '',
        signature: seal('anthropic', part.signature),
      };
      return proof ? [proof, call] : [call];
    }
    case 'media':
      return [{ type: 'text', text: `![image](data:${part.mediaType};base64,${part.data ?? ''})` }];
    case 'result':
      return [];
  }
}

export function writeAnthropicAnswer(answer: Answer, context: WriterContext): Json {
  return {
    id: answer.id.startsWith('msg_') ? answer.id : `msg_${context.id}`,
    type: 'message',
    role: 'assistant',
    model: answer.model || context.model,
    content: answer.parts.flatMap(blocksOf),
    stop_reason: writeStop('anthropic', answer.stop),
    stop_sequence: null,
    usage: anthropicUsage(answer.usage ?? noUse()),
  };
}

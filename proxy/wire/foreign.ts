/**
 * Thoughts that another provider signed are taken out of a request that otherwise passes as it is: the conversation has changed
 * its provider, and this one would refuse them. Pure.
 */
import { type Json, list, object, text, type Wire } from './wire.ts';

const WORD = 'godel.';
const MARK = `"${WORD}`;

const isForeign = (value: unknown) => (text(value) ?? '').startsWith(WORD);

const anthropicBlock = (block: Json) =>
  !(block.type === 'thinking' && isForeign(block.signature)) &&
  !(block.type === 'redacted_thinking' && isForeign(block.data));

function anthropicMessage(message: Json): Json {
  if (!Array.isArray(message.content)) return message;
  return { ...message, content: list(message.content).filter(anthropicBlock) };
}

function googleContent(content: Json): Json {
  const parts = list(content.parts).flatMap((part): Json[] => {
    if (!isForeign(part.thoughtSignature)) return [part];
    const { thoughtSignature: _, ...rest } = part;
    return part.thought === true ? [] : [rest];
  });
  return { ...content, parts };
}

function chatMessage(message: Json): Json {
  if (!Array.isArray(message.tool_calls)) return message;
  const calls = list(message.tool_calls).map((call) => {
    const { extra_content, ...rest } = call;
    return isForeign(object(object(extra_content).google).thought_signature) ? rest : call;
  });
  return { ...message, tool_calls: calls };
}

function cleaned(wire: Wire, body: Json): Json {
  switch (wire) {
    case 'anthropic':
      return {
        ...body,
        messages: list(body.messages)
          .map(anthropicMessage)
          .filter((message) => !Array.isArray(message.content) || message.content.length > 0),
      };
    case 'responses':
      if (!Array.isArray(body.input)) return body;
      return { ...body, input: list(body.input).filter((item) => !isForeign(item.encrypted_content)) };
    case 'google':
      return { ...body, contents: list(body.contents).map(googleContent) };
    case 'chat':
      return { ...body, messages: list(body.messages).map(chatMessage) };
  }
}

/** The body itself when there is nothing foreign in it. */
export function withoutForeignThoughts(wire: Wire, body: Buffer): Buffer {
  // The word without its quote is found faster: quotes are everywhere.
  if (!body.includes(WORD) || !body.includes(MARK)) return body;
  try {
    return Buffer.from(JSON.stringify(cleaned(wire, object(JSON.parse(body.toString('utf8'))))));
  } catch {
    return body;
  }
}

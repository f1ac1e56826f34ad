/** What a request says, whichever dialect it came in: the last words of the user, the tools, and how far the work is. Pure. */

export interface Conversation {
  model: string;
  stream: boolean;
  /** The last text a user wrote; results of tools are not his words. */
  prompt: string;
  system: string;
  /** Names of the tools that may be called. */
  tools: string[];
  /** Assistant turns since that text. */
  turns: number;
  /** Characters of the whole request, for believable token counts. */
  size: number;
}

type Json = Record<string, unknown>;
interface Message {
  role: string;
  content: unknown;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: Json) => (part.type === 'text' || part.type === 'input_text' ? String(part.text ?? '') : ''))
    .join('\n')
    .trim();
}

/** A user message that only carries results of tools is a step of the work, not a new request. */
function isRequest(message: Message): boolean {
  return message.role === 'user' && textOf(message.content) !== '';
}

export function readConversation(body: Json, size: number): Conversation {
  const messages = (body.messages ?? body.input ?? []) as Message[];
  const list = Array.isArray(messages) ? messages : [{ role: 'user', content: messages }];
  const last = list.findLastIndex(isRequest);
  const system =
    textOf(body.system ?? body.instructions) ||
    list
      .filter((each) => ['system', 'developer'].includes(each.role))
      .map((each) => textOf(each.content))
      .join('\n');
  const tools = ((body.tools ?? []) as Json[]).map((tool) =>
    String(tool.name ?? (tool.function as Json | undefined)?.name ?? ''),
  );
  return {
    model: String(body.model ?? 'demo-small'),
    stream: body.stream === true,
    prompt: last < 0 ? '' : textOf(list[last]?.content),
    system,
    tools,
    turns: list.slice(last + 1).filter((each) => each.role === 'assistant').length,
    size,
  };
}

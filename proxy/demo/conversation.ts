/** What a request says, whichever dialect it came in: the last words of the user, the tools, and how far the work is. Pure. */
import { type NeutralRequest, type Tool, type Turn, textOfParts } from '../wire/neutral.ts';

export interface Conversation {
  model: string;
  stream: boolean;
  /** The last text a user wrote; results of tools are not his words. */
  prompt: string;
  /** Tools that may be called. */
  tools: readonly Tool[];
  /** Assistant turns since that text. */
  turns: number;
  /** The client wants thoughts. */
  thinks: boolean;
  /** Characters of the whole request, for believable token counts. */
  size: number;
}

/** A user message that only carries results of tools is a step of the work, not a new request; so are the words of the agent's own program. */
function isRequest({ role, parts, system }: Turn): boolean {
  const said = textOfParts(parts).trim();
  return role === 'user' && !system && said !== '' && !/^<system-reminder>[\s\S]*<\/system-reminder>$/.test(said);
}

export function readConversation(request: NeutralRequest, size: number): Conversation {
  const { turns } = request;
  const last = turns.findLastIndex(isRequest);
  return {
    model: request.model,
    stream: request.stream,
    prompt: last < 0 ? '' : textOfParts(turns[last]?.parts ?? []).trim(),
    tools: request.tools,
    turns: turns.slice(last + 1).filter((turn) => turn.role === 'assistant').length,
    thinks: request.thinking !== undefined && request.thinking.effort !== 'none',
    size,
  };
}

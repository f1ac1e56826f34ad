/** A turn of the scripted provider as an answer with believable token counts. Pure. */
import type { TokenUse } from '../../src/costs/schema.ts';
import { noUse } from '../cost.ts';
import type { Answer, Part, Stop } from '../wire/neutral.ts';
import type { Wire } from '../wire/wire.ts';
import type { Conversation } from './conversation.ts';
import type { Turn } from './scripts.ts';

const CHARS_PER_TOKEN = 4;
const tokens = (characters: number) => Math.ceil(characters / CHARS_PER_TOKEN);

/** Most of a growing conversation was read from the cache. */
export function usageOf(conversation: Conversation, turn: Turn): TokenUse {
  const total = tokens(conversation.size);
  const cacheRead = conversation.turns > 0 ? Math.floor(total * 0.8) : 0;
  const written = turn.step.text.length + turn.calls.map((call) => JSON.stringify(call.input)).join('').length;
  const reasoning = conversation.thinks ? tokens(turn.think.length) : 0;
  return { ...noUse(), input: total - cacheRead, cacheRead, output: Math.max(1, tokens(written)), reasoning };
}

function stopOf({ step, calls }: Turn): Stop {
  if (step.fault === 'length') return 'length';
  if (step.fault === 'refuse') return 'refused';
  return calls.length > 0 ? 'tool' : 'end';
}

const ID_PREFIX: Readonly<Record<Wire, string>> = {
  anthropic: 'toolu_',
  chat: 'call_',
  responses: 'call_',
  google: 'call_',
};

function proofFor(wire: Wire): Extract<Part, { kind: 'thinking' }>['signature'] {
  return wire === 'responses' ? { wire, value: 'rs_demo demo' } : { wire, value: wire === 'chat' ? '' : 'demo' };
}

export function answerOf(wire: Wire, id: string, conversation: Conversation, turn: Turn): Answer {
  const signature = proofFor(wire);
  const thought: Part[] =
    conversation.thinks && turn.think !== ''
      ? [{ kind: 'thinking', text: turn.think, ...(signature ? { signature } : {}) }]
      : [];
  const said: Part[] = turn.step.text === '' ? [] : [{ kind: 'text', text: turn.step.text }];
  const calls = turn.calls.map(
    ({ name, input }, at): Part => ({
      kind: 'call',
      id: `${ID_PREFIX[wire]}${id}${at === 0 ? '' : at}`,
      name,
      input: JSON.stringify(input),
    }),
  );
  return {
    id: '',
    model: conversation.model,
    parts: [...thought, ...said, ...calls],
    stop: stopOf(turn),
    usage: turn.step.fault === 'uncounted' ? undefined : usageOf(conversation, turn),
  };
}

/** What an answer of a person sets going, by the kind of what was asked. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { agentOperations } from '../agents/operations.ts';
import type { Agent } from '../agents/schema.ts';
import { handleOf } from '../agents/service.ts';
import { findAgent, findPrompt } from '../agents/store.ts';
import { failure } from '../errors.ts';
import type { InboxItem } from '../inbox/schema.ts';
import type { Answerer, GivenAnswer } from '../inbox/service.ts';
import type { mergeOperations } from '../merge/operations.ts';
import type { reviewOperations } from '../reviews/operations.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';

const MORE_MINUTES = 30;

type AskedItem = Parameters<Answerer>[0];

export interface InboxAnswersOptions {
  core: Core;
  parts: AgentParts;
  agents: Pick<Handlers<typeof agentOperations>, 'agentSend' | 'agentRestart' | 'agentResume' | 'agentStop'>;
  reviews: Pick<Handlers<typeof reviewOperations>, 'reviewAccept' | 'reviewReturn'> &
    Pick<Handlers<typeof mergeOperations>, 'mergeResume' | 'mergeRetry' | 'mergeRemove'>;
}

/** A landing may take as long as its gates do. */
const MOST_WAIT_SECONDS = 86_400;

export function createInboxAnswers({ core, parts, agents, reviews }: InboxAnswersOptions): Answerer {
  const { bridge, runner } = parts;
  const agentOf = async (item: InboxItem): Promise<Agent> => {
    const agent = item.agentId === undefined ? undefined : await findAgent(core.database.db, item.agentId);
    if (!agent) throw failure('agent-not-found', { id: item.agentName ?? item.agentId ?? '' });
    return agent;
  };
  const wordsOf = ({ choice, text }: GivenAnswer) => [choice, text].filter(Boolean).join('\n');

  /** To the agent itself: by the id of its question, else by typing into its terminal. */
  async function tell(item: InboxItem, answer: GivenAnswer): Promise<string> {
    const agent = await agentOf(item);
    if (item.askId !== undefined) {
      if (bridge.answer(agent.id, { askId: item.askId, ...answer })) return `told ${agent.name}`;
      throw failure('agent-not-live', { name: agent.name, state: `not connected (${agent.lifecycle})` });
    }
    await runner.type(handleOf(agent), wordsOf(answer));
    return `typed into the terminal of ${agent.name}`;
  }

  async function question(item: AskedItem, answer: GivenAnswer, context: RequestContext): Promise<string> {
    if (!item.key.startsWith('ask:')) return tell(item, answer);
    // The asker that waits takes it by itself; to one that stopped waiting it goes as a prompt.
    if (item.agentId === undefined || item.isAwaited) return 'kept';
    const text = `Answer of ${context.actor.name} to your question “${item.title}”:\n\n${wordsOf(answer)}`;
    await agents.agentSend({ id: item.agentId, text, when: 'after-tool', wait: 0, key: `answer:${item.id}` }, context);
    return 'sent as a prompt';
  }

  async function review(item: InboxItem, answer: GivenAnswer, context: RequestContext): Promise<string> {
    const id = item.beadId ?? '';
    if (answer.choice === 'accept') {
      const landed = await reviews.reviewAccept({ id, wait: MOST_WAIT_SECONDS }, context);
      return landed.commit === undefined ? 'in the merge queue' : `landed as ${landed.commit.slice(0, 10)}`;
    }
    const comment = answer.text;
    if (!comment) {
      const hint = `godel inbox answer ${item.id.slice(-6)} "send back" --text "What shall be changed"`;
      throw failure('bad-input', { problem: 'Work is sent back with a comment.', hint });
    }
    await reviews.reviewReturn({ id, comment }, context);
    return 'sent back';
  }

  async function again(item: InboxItem, context: RequestContext): Promise<string> {
    const prompt = await findPrompt(core.database.db, item.key.slice('prompt:'.length));
    if (!prompt) throw failure('inbox-item-not-found', { id: item.id });
    const { agentId: id, text, when } = prompt;
    await agents.agentSend({ id, text, when, wait: 0, key: `again:${prompt.id}` }, context);
    return 'sent again';
  }

  async function failed(item: InboxItem, answer: GivenAnswer, context: RequestContext): Promise<string> {
    const id = item.agentId ?? '';
    switch (answer.choice) {
      case 'restart':
        return `restarted ${(await agents.agentRestart({ id }, context)).name}`;
      case 'stop':
        return `stopped ${(await agents.agentStop({ id }, context)).name}`;
      case 'interrupt':
        return (await parts.interrupt(await agentOf(item))) ? 'interrupted' : 'it cannot be interrupted; stop it';
      case 'send again':
        return again(item, context);
      case 'go on':
        await agents.agentSend({ id, text: 'Go on.', when: 'after-turn', wait: 0, key: `go-on:${item.id}` }, context);
        return 'told to go on';
      default:
        if (answer.text === undefined) return 'left as it is';
        await agents.agentSend({ id, text: answer.text, when: 'after-tool', wait: 0, key: `say:${item.id}` }, context);
        return 'sent as a prompt';
    }
  }

  async function merging(item: InboxItem, answer: GivenAnswer, context: RequestContext): Promise<string> {
    const id = item.beadId ?? '';
    if (answer.choice === 'retry') return `it is ${(await reviews.mergeRetry({ id, wait: 0 }, context)).status}`;
    if (answer.choice === 'remove') return `it is ${(await reviews.mergeRemove({ id }, context)).status}`;
    await reviews.mergeResume({}, context);
    return 'the queue goes on';
  }

  /** Time that a person grants counts from now: resuming moves the deadline on by the pause. */
  async function timeOver(item: InboxItem, answer: GivenAnswer, context: RequestContext): Promise<string> {
    const agent = await agentOf(item);
    if (answer.choice === 'stop') return `stopped ${(await agents.agentStop({ id: agent.id }, context)).name}`;
    const minutes = answer.choice === undefined ? Number.parseFloat(answer.text ?? '') : MORE_MINUTES;
    if (!(minutes > 0)) throw failure('bad-input', { problem: 'How many minutes more?', hint: 'A number of minutes.' });
    await core.units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
      const deadlineAt = new Date(Date.parse(known.observed.since) + minutes * 60_000).toISOString();
      await changeAgent(unit, known, { deadlineAt }, 'agent:state');
    });
    await agents.agentResume({ id: agent.id }, context);
    return `${minutes} more minutes`;
  }

  return async (item, answer, context) => {
    if (item.key.startsWith('merge:')) return merging(item, answer, context);
    if (item.key.startsWith('time:')) return timeOver(item, answer, context);
    if (item.kind === 'permission') return tell(item, answer);
    if (item.kind === 'question') return question(item, answer, context);
    if (item.kind === 'review') return review(item, answer, context);
    return item.kind === 'failure' ? failed(item, answer, context) : undefined;
  };
}

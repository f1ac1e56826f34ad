/** An agent in its pane, as a person and Godel see it: what it is said to do, what it asks, what is on its screen. */
import { expect } from 'vitest';
import type { Agent, AgentState, Prompt } from '../../src/agents/schema.ts';
import { run } from '../../src/base/process.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { type TestHome, until } from './home.ts';
import { processesWith } from './processes.ts';

export interface FaceLife {
  show(): Promise<Agent>;
  /** Resolves with the agent when it is shown in this state. */
  state(wanted: AgentState): Promise<Agent>;
  /** What it waits for a person with. */
  open(): Promise<InboxItem[]>;
  /** The open question whose title has these words. */
  question(words: string): Promise<InboxItem>;
  answer(item: InboxItem, choice: string): Promise<unknown>;
  /** Sends a prompt, which must be acknowledged: the program took it. */
  send(text: string, ...words: string[]): Promise<void>;
  /** Resolves when these words are on its screen. */
  sees(words: string): Promise<unknown>;
  /** Presses keys in its pane, as somebody who sits there. */
  press(...keys: string[]): Promise<void>;
  /** Types words into its pane and does not send them. */
  type(words: string): Promise<void>;
  /** The states it was shown in, in order. */
  states(): Promise<AgentState[]>;
  /** Its processes. */
  processes(): string[];
}

const LIMIT_MS = 90_000;

export function watchFace(home: TestHome, name: string): FaceLife {
  const { json, godel } = home;
  const show = () => json<Agent>('agent', 'show', name);
  const screen = async () => (await godel(['agent', 'screen', name])).stdout;

  /** What does not come is told with all that is known of the agent. */
  const waitFor = <T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> =>
    until(`${name}: ${what}`, probe, LIMIT_MS).catch(async (error: Error) => {
      const { observed } = await show();
      throw new Error(`${error.message}; it is ${JSON.stringify(observed)}\n${await screen()}`);
    });

  async function sendKeys(...words: string[]): Promise<void> {
    const { pane = '' } = await show();
    await run('tmux', ['-L', home.paths.tmuxSocketName, 'send-keys', '-t', pane, ...words], { env: home.env });
  }

  const open = async () =>
    (await json<{ items: InboxItem[] }>('inbox', 'list')).items.filter((item) => item.agentName === name);

  return {
    show,
    open,
    state: (wanted) =>
      waitFor(wanted, async () => {
        const agent = await show();
        return agent.observed.state === wanted && agent;
      }),
    question: (words) => waitFor(words, async () => (await open()).find((item) => item.title.includes(words))),
    answer: (item, choice) => json('inbox', 'answer', item.id, choice),
    async send(text, ...words) {
      const prompt = await json<Prompt>('agent', 'send', name, text, '--wait', '60', ...words);
      if (prompt.status !== 'acknowledged')
        expect(prompt, `${prompt.reason}\n${await screen()}`).toMatchObject({ status: 'acknowledged' });
    },
    sees: (words) => waitFor(`"${words}" on its screen`, async () => (await screen()).includes(words)),
    press: (...keys) => sendKeys(...keys),
    type: (words) => sendKeys('-l', words),
    async states() {
      const { items } = await json<{ items: { payload: { agent?: Agent } }[] }>(
        ...['event', 'list', '--type', 'agent:state', '--limit', '1000'],
      );
      const all = items.flatMap(({ payload }) => (payload.agent?.name === name ? [payload.agent.observed.state] : []));
      return all.filter((each, index) => each !== all[index - 1]);
    },
    processes: () =>
      processesWith(home.folder)
        .map(({ command }) => command)
        .filter((command) => !/\/dist\/(daemon|proxy)\.js|^tmux |^tail -f|^(\/\S+\/)?git /.test(command)),
  };
}

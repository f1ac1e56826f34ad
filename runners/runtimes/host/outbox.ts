/**
 * Prompts of one agent on their way into its program: in order, each at most once, when they were meant to arrive. An
 * id is recorded on disk before the text is handed over, and is done when the program took it into its conversation.
 */
import type { PromptRecord } from '../prompt-record.ts';
import type { Driver, HostPrompt } from './driver.ts';

export interface QueuedPrompt extends HostPrompt {
  when: 'now' | 'after-tool' | 'after-turn';
}

export interface HostOutboxOptions {
  driver: Pick<Driver, 'send' | 'interrupt' | 'canSteer'>;
  record: PromptRecord;
  status: (id: string, status: 'started' | 'refused', reason?: string) => void;
  /** Told just before a prompt is handed over. */
  onHandOver: (prompt: QueuedPrompt) => void;
}

export interface HostOutbox {
  push(prompt: QueuedPrompt): void;
  /** The program is open: what waited may go. */
  open(): void;
  turnStarted(): void;
  settled(): void;
  taken(id: string): void;
}

export function createHostOutbox(options: HostOutboxOptions): HostOutbox {
  const { driver, record } = options;
  const waiting: QueuedPrompt[] = [];
  const handed = new Map<string, QueuedPrompt>();
  let opened = false;
  let busy = false;
  let interrupting = false;

  function handOver(prompt: QueuedPrompt, steer: boolean): void {
    record.add(prompt.id, prompt.text);
    handed.set(prompt.id, prompt);
    options.onHandOver(prompt);
    driver.send({ id: prompt.id, text: prompt.text }, steer).catch((error: unknown) => {
      if (!handed.delete(prompt.id)) return;
      options.status(prompt.id, 'refused', error instanceof Error ? error.message : String(error));
      next();
    });
  }

  /** What is first goes first: a prompt for now does not overtake, it makes the way free. */
  function next(): void {
    const [first] = waiting;
    if (!opened || !first) return;
    const free = !busy && handed.size === 0;
    const joins = busy && first.when === 'after-tool' && driver.canSteer;
    if (free || joins) {
      waiting.shift();
      handOver(first, joins);
      next();
    } else if (busy && first.when === 'now' && !interrupting) {
      interrupting = true;
      void driver.interrupt().catch(() => {
        interrupting = false;
      });
    }
  }

  return {
    push(prompt) {
      if (handed.has(prompt.id) || waiting.some((each) => each.id === prompt.id)) return;
      if (record.has(prompt.id)) return options.status(prompt.id, 'started');
      waiting.push(prompt);
      next();
    },
    open() {
      opened = true;
      next();
    },
    turnStarted() {
      busy = true;
      next();
    },
    settled() {
      busy = false;
      interrupting = false;
      next();
    },
    taken(id) {
      handed.delete(id);
      options.status(id, 'started');
    },
  };
}

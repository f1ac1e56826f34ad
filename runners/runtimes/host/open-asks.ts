/** Questions a program asked as requests of its own and waits on: each is answered once, or given up. */
import type { Ask, DriverSink } from './driver.ts';

export interface OpenAsks {
  /** Tells of a question; resolves with the choice of a person, or with '' when it was given up. */
  ask(ask: Ask): Promise<string>;
  answer(askId: string, choice: string): Promise<void>;
  /** The program withdrew it: nobody waits for the answer any more. */
  withdraw(askId: string): void;
  /** Gives up every question. */
  giveUp(): void;
}

export function createOpenAsks(sink: Pick<DriverSink, 'asked' | 'answered'>): OpenAsks {
  const open = new Map<string, (choice: string) => void>();

  function end(askId: string, choice: string): void {
    const give = open.get(askId);
    if (!give) return;
    open.delete(askId);
    give(choice);
    sink.answered(askId);
  }

  return {
    ask: (ask) =>
      new Promise((resolve) => {
        open.set(ask.id, resolve);
        sink.asked(ask);
      }),
    answer: async (askId, choice) => end(askId, choice),
    withdraw(askId) {
      if (open.delete(askId)) sink.answered(askId);
    },
    giveUp() {
      for (const askId of [...open.keys()]) end(askId, '');
    },
  };
}

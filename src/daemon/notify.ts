/** Tells a person outside the board that something waits: a notification of the desktop, a webhook; not in quiet hours. */

import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { messageOf } from '../base/error.ts';
import { run } from '../base/process.ts';
import { oneLine } from '../base/table.ts';
import type { Config } from '../config.ts';
import { type InboxItem, inboxItemSchema } from '../inbox/schema.ts';
import { isQuiet } from '../inbox/state.ts';
import type { Core } from './core.ts';

const TRIES = 4;
const FIRST_PAUSE_MS = 1_000;
const TIMEOUT_MS = 10_000;

/** True in the hours in which nobody wants to be disturbed, by the clock of this machine. */
export function isQuietNow(config: Pick<Config, 'quiet_hours'>, nowMs: number): boolean {
  const now = new Date(nowMs);
  return isQuiet(config.quiet_hours, now.getHours() * 60 + now.getMinutes());
}

/** The program that shows a notification on this system, with the item in it. */
export function desktopCommand(platform: NodeJS.Platform, item: InboxItem): [string, string[]] {
  const [title, text] = [`Godel: ${item.kind}`, oneLine(item.title).slice(0, 200)];
  if (platform === 'darwin') {
    const script = 'on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run';
    return ['osascript', ['-e', script, title, text]];
  }
  return ['notify-send', ['--app-name=Godel', '--', title, text]];
}

async function post(url: string, item: InboxItem, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ type: 'inbox:opened', item });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const headers = { 'content-type': 'application/json', 'idempotency-key': item.id };
      const response = await request(url, {
        method: 'POST',
        headers,
        body,
        signal,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      await response.body.dump();
      if (response.statusCode < 400) return;
      throw new Error(`status ${response.statusCode}`);
    } catch (error) {
      if (attempt >= TRIES || signal.aborted) throw error;
      await delay(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

export function startNotify(core: Core): { stop(): Promise<void> } {
  const { log } = core;
  const stopped = new AbortController();
  const running = new Set<Promise<void>>();

  async function notify(item: InboxItem): Promise<void> {
    const { config } = await core.config.daemon();
    if (isQuietNow(config, core.clock.now())) return;
    if (config.notify_desktop) {
      const [file, args] = desktopCommand(process.platform, item);
      const env = core.environment;
      await run(file, args, { env, timeoutMs: TIMEOUT_MS }).catch((error: unknown) =>
        log.warn({ problem: messageOf(error) }, 'no notification of the desktop'),
      );
    }
    if (config.notify_webhook !== '') await post(config.notify_webhook, item, stopped.signal);
  }

  const unsubscribe = core.bus.subscribe((event) => {
    if (event.type !== 'inbox:opened') return;
    const item = inboxItemSchema.safeParse(event.payload.item);
    if (!item.success) return;
    const work = notify(item.data).catch((error: unknown) => {
      if (!stopped.signal.aborted) log.warn({ problem: messageOf(error) }, 'a notification was not delivered');
    });
    running.add(work);
    void work.finally(() => running.delete(work));
  });

  return {
    async stop() {
      unsubscribe();
      stopped.abort();
      await Promise.all(running);
    },
  };
}

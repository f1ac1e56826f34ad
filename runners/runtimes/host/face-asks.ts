/** Questions of a program with its own face: each may be answered from outside, in the pane, or not at all. */
import { summaryOf } from '../summary.ts';
import type { DriverSink } from './driver.ts';
import type { FaceProgram } from './face-program.ts';
import type { HookCall } from './hook-server.ts';
import type { Json } from './json-lines.ts';

export interface FaceAsks {
  /** A hook asks. */
  add(call: HookCall): void;
  /** What was asked, while it is open. */
  body(askId: string): Json | undefined;
  count(): number;
  /** Over, with an answer for the hook that waits, if one does. */
  close(askId: string, reply?: Json): void;
  /** A tool ended, so what was asked before it ran was answered in the pane. */
  toolEnded(body: Json): void;
  giveUp(): void;
}

/** `onLast` is called when the last open one was over without an answer from outside. */
export function createFaceAsks(program: FaceProgram, sink: DriverSink, onLast: () => void): FaceAsks {
  const open = new Map<string, HookCall>();
  let count = 0;

  function close(askId: string, reply?: Json): void {
    const call = open.get(askId);
    if (!call) return;
    open.delete(askId);
    call.reply(reply);
    sink.answered(askId);
  }

  const about = (body: Json) => `${String(body.tool_name)} ${summaryOf(body.tool_input) ?? ''}`;

  return {
    add(call) {
      count += 1;
      const id = `ask-${process.pid}-${count}`;
      open.set(id, call);
      if (program.reply) {
        call.onGone(() => {
          close(id);
          if (open.size === 0) onLast();
        });
      } else call.reply();
      sink.asked(program.ask(id, call.body));
    },
    body: (askId) => open.get(askId)?.body,
    count: () => open.size,
    close,
    toolEnded(body) {
      const all = [...open];
      const same = all.filter(([, call]) => about(call.body) === about(body));
      for (const [id] of same.length > 0 ? same : all) close(id);
    },
    giveUp() {
      for (const id of [...open.keys()]) close(id);
    },
  };
}

/** Questions of a program with its own face: each may be answered from outside, in the pane, or not at all. */
import type { Json } from '../../../src/base/json-lines.ts';
import { summaryOf } from '../summary.ts';
import type { DriverSink } from './driver.ts';
import type { FaceProgram } from './face-program.ts';
import type { HookCall } from './hook-server.ts';

export interface FaceAsks {
  /** A hook asks. */
  add(call: HookCall): void;
  /** What was asked, while it is open. */
  body(askId: string): Json | undefined;
  count(): number;
  /** Over, with an answer for the hook that waits, if one does. */
  close(askId: string, reply?: Json): void;
  /** Over, and the hook asks this next. */
  follow(askId: string, body: Json): void;
  /** A tool ended, so what was asked before it ran was answered in the pane. */
  toolEnded(body: Json): void;
  giveUp(): void;
}

/** Hooks of calls that are asked about at once come within this time (ms) of each other. */
const TOGETHER_MS = 400;

/** `onLast` is called when the last open one was over without an answer from outside. */
export function createFaceAsks(program: FaceProgram, sink: DriverSink, onLast: () => void): FaceAsks {
  const open = new Map<string, HookCall>();
  /** Not told yet: an earlier one may come. */
  const waiting: HookCall[] = [];
  let together: NodeJS.Timeout | undefined;
  let count = 0;

  function close(askId: string, reply?: Json): void {
    const call = open.get(askId);
    if (!call) return;
    open.delete(askId);
    call.reply(reply);
    sink.answered(askId);
  }

  function tell(call: HookCall): void {
    count += 1;
    const id = `ask-${process.pid}-${count}`;
    open.set(id, call);
    if (program.reply)
      call.onGone(() => {
        close(id);
        if (open.size === 0) onLast();
      });
    else call.reply();
    sink.asked(program.ask(id, call.body));
  }

  /** What was told before an earlier one came is told again after it. */
  function tellTogether(madeMs: (body: Json) => number): void {
    const calls = waiting.splice(0);
    const firstMs = Math.min(...calls.map((call) => madeMs(call.body)));
    for (const [id, call] of [...open]) {
      if (madeMs(call.body) <= firstMs) continue;
      close(id);
      calls.push(call);
    }
    for (const call of calls.sort((a, b) => madeMs(a.body) - madeMs(b.body))) tell(call);
  }

  const about = (body: Json) => `${String(body.tool_name)} ${summaryOf(body.tool_input) ?? ''}`;

  return {
    add(call) {
      const { askedMs } = program;
      if (!askedMs) return tell(call);
      call.reply();
      waiting.push(call);
      clearTimeout(together);
      together = setTimeout(() => tellTogether(askedMs), TOGETHER_MS);
    },
    body: (askId) => open.get(askId)?.body,
    count: () => open.size,
    close,
    follow(askId, body) {
      const call = open.get(askId);
      if (!call) return;
      tell({ ...call, body });
      // The hook itself is not answered yet.
      open.delete(askId);
      sink.answered(askId);
    },
    toolEnded(body) {
      const all = [...open];
      const same = all.filter(([, call]) => about(call.body) === about(body));
      for (const [id] of same.length > 0 ? same : all) close(id);
    },
    giveUp() {
      clearTimeout(together);
      waiting.length = 0;
      for (const id of [...open.keys()]) close(id);
    },
  };
}

/** What the hooks of Claude Code and Codex say, in words of a driver's sink. Both speak the same form. Pure. */
import { oneLine, summaryOf } from '../summary.ts';
import { todosOf } from '../todos.ts';
import type { Ask, DriverSink } from './driver.ts';
import type { Json } from './json-lines.ts';

/** Hooks that Godel registers. */
export const HOOK_EVENTS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PermissionRequest',
  'PostToolUse',
  'PostToolUseFailure',
  'Stop',
] as const;

export interface HookSession {
  sessionId?: string;
  file?: string;
}

export function sessionOf(body: Json): HookSession {
  const { session_id: id, transcript_path: file } = body;
  return {
    ...(typeof id === 'string' ? { sessionId: id } : {}),
    ...(typeof file === 'string' ? { file } : {}),
  };
}

/** The question of a `PermissionRequest`. */
export function permissionAsk(id: string, body: Json): Ask {
  const what = summaryOf(body.tool_input);
  const tool = oneLine(String(body.tool_name ?? 'a tool'));
  return { id, kind: 'permission', question: what ? `${tool}: ${what}` : tool, choices: ['allow', 'deny'] };
}

/** What the hook prints for a choice of a person. */
export function permissionReply(choice: string): Json {
  const decision =
    choice === 'allow' ? { behavior: 'allow' } : { behavior: 'deny', message: 'A person refused this in Godel.' };
  return { hookSpecificOutput: { hookEventName: 'PermissionRequest', decision } };
}

/** Reports a hook to the sink; prompts, sessions and permissions are the caller's. */
export function reportHook(body: Json, sink: DriverSink): void {
  const tool = String(body.tool_name ?? 'tool');
  switch (body.hook_event_name) {
    case 'PreToolUse': {
      const todos = todosOf(tool, body.tool_input);
      if (todos) sink.todos(todos);
      return sink.toolStarted(tool, body.tool_input);
    }
    case 'PostToolUse':
      return sink.toolEnded(tool, false);
    case 'PostToolUseFailure':
      return sink.toolEnded(tool, true);
    case 'Stop':
      return sink.settled();
    default:
      return undefined;
  }
}

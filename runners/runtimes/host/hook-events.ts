/** What the hooks of Claude Code and Codex say, in words of a driver's sink. Both speak the same form. Pure. */
import type { Json } from '../../../src/base/json-lines.ts';
import { oneLine } from '../summary.ts';
import { todosOf } from '../todos.ts';
import type { DriverSink } from './driver.ts';

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

/** Hooks of Gemini CLI, and which of the others each is. */
export const GEMINI_EVENTS: Readonly<Record<string, (typeof HOOK_EVENTS)[number]>> = {
  SessionStart: 'SessionStart',
  BeforeAgent: 'UserPromptSubmit',
  BeforeTool: 'PreToolUse',
  Notification: 'PermissionRequest',
  AfterTool: 'PostToolUse',
  AfterAgent: 'Stop',
};

/** Hooks that Claude Code alone has: a turn that ended in an error. */
export const CLAUDE_HOOK_EVENTS = [...HOOK_EVENTS, 'StopFailure'] as const;

/** Said by the server of Godel's tools, in the form of a hook: the program has them now. */
export const TOOLS_LISTED = 'GodelToolsListed';

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

/** What a turn failed of; undefined when it ended well. */
export function errorOf(body: Json): string | undefined {
  if (body.hook_event_name !== 'StopFailure') return undefined;
  const said = [body.error_details, body.last_assistant_message, body.error].find((each) => typeof each === 'string');
  return oneLine(String(said ?? 'unknown error'), 500);
}

/** Reports a hook to the sink; prompts, sessions, permissions and ends of turns are the caller's. */
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
    default:
      return undefined;
  }
}

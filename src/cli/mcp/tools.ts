/** Operations -> tools of the Model Context Protocol: what an agent calls Godel with. Nothing is declared a second time. Pure. */
import { z } from 'zod';
import { permissionsOf } from '../../access/permissions.ts';
import type { AnyOperation } from '../../base/operation.ts';
import { type Operations, operations } from '../../operations.ts';
import type { Role } from '../../roles/schema.ts';

/** Which operations are offered, in the order they are listed; the key is the name of the tool. */
const OFFERED = {
  ready: 'beadReady',
  claim: 'beadClaim',
  show: 'beadShow',
  note: 'beadNote',
  create: 'beadCreate',
  todo_write: 'todoWrite',
  todo_list: 'todoList',
  agents: 'agentList',
  message: 'messageSend',
  message_read: 'messageRead',
  ask: 'inboxAsk',
  done: 'beadDone',
  spawn: 'agentSpawn',
} as const satisfies Record<string, keyof Operations>;

export interface McpTool {
  name: string;
  key: keyof Operations;
  operation: AnyOperation;
}

const ALL: readonly McpTool[] = Object.entries(OFFERED).map(([name, key]) => ({
  name,
  key,
  operation: operations[key],
}));

/** The tools an agent of a role may use; all of them when it is not known, as the daemon refuses in any case. */
export function toolsFor(role: Pick<Role, 'permissions'> | undefined): McpTool[] {
  if (!role) return [...ALL];
  const granted = permissionsOf(role.permissions);
  return ALL.filter(({ operation }) => granted.has(operation.permission));
}

/** A tool as it is listed. */
export function describeTool({ name, operation }: McpTool): {
  name: string;
  description: string;
  inputSchema: { type: 'object' } & Record<string, unknown>;
} {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' });
  const description = [operation.summary, operation.description].filter(Boolean).join('.\n\n');
  return { name, description, inputSchema: { ...schema, type: 'object' } };
}

/** What a call gives, in the words of the command line. */
export function resultText({ operation }: McpTool, data: unknown): string {
  const text = operation.text as ((data: unknown) => string) | undefined;
  return text ? text(data) : JSON.stringify(data, null, 2);
}

/** The tools a script knows, called as the agent at hand has them. Pure. */
import type { Tool } from '../wire/neutral.ts';
import { type Json, object } from '../wire/wire.ts';

export type ToolCall =
  | { tool: 'bash'; command: string }
  | { tool: 'write'; path: string; content: string }
  | { tool: 'read'; path: string }
  | { tool: 'call'; name: string; input: Json };

export interface MadeCall {
  name: string;
  input: Json;
}

const NAMES: Readonly<Record<Exclude<ToolCall['tool'], 'call'>, readonly string[]>> = {
  bash: [
    'bash',
    'shell',
    'exec_command',
    'run_shell_command',
    'shell_command',
    'execute_command',
    'local_shell',
    'terminal',
  ],
  write: ['write', 'write_file', 'create_file'],
  read: ['read', 'read_file'],
};

const find = (tools: readonly Tool[], kind: keyof typeof NAMES) =>
  tools.find((tool) => NAMES[kind].includes(tool.name.toLowerCase()));

/** The name of a parameter, as its schema has it; the first one when there is no schema to read. */
function parameter(tool: Tool, names: readonly [string, ...string[]]): string {
  const known = object(tool.schema.properties);
  return names.find((name) => known[name] !== undefined) ?? names[0];
}

/** What a schema demands beyond the step itself. */
function required(tool: Tool, input: Json): Json {
  const names = Array.isArray(tool.schema.required) ? tool.schema.required.map(String) : [];
  const missing = names.filter((name) => !(name in input));
  const types = object(tool.schema.properties);
  const empty = { boolean: false, number: 0, integer: 0, array: [], object: {} } as Json;
  return Object.fromEntries(missing.map((name) => [name, empty[String(object(types[name]).type)] ?? 'demo step']));
}

function complete(tool: Tool, input: Json): MadeCall {
  return { name: tool.name, input: { ...input, ...required(tool, input) } };
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function shellCall(tools: readonly Tool[], command: string): MadeCall | undefined {
  const tool = find(tools, 'bash');
  if (!tool) return undefined;
  const name = parameter(tool, ['command', 'cmd']);
  const listed = object(object(tool.schema.properties)[name]).type === 'array';
  return complete(tool, { [name]: listed ? ['bash', '-lc', command] : command });
}

/** A tool by its own name; one of a server is also known by what follows the name of the server. */
function named(tools: readonly Tool[], name: string): Tool | undefined {
  return (
    tools.find((tool) => tool.name === name) ??
    tools.find((tool) => /[^A-Za-z0-9]$/.test(tool.name.slice(0, -name.length)) && tool.name.endsWith(name))
  );
}

/** The call of a step; undefined when the agent has no tool for it. */
export function makeCall(tools: readonly Tool[], call: ToolCall): MadeCall | undefined {
  if (call.tool === 'bash') return shellCall(tools, call.command);
  if (call.tool === 'call') {
    const tool = named(tools, call.name);
    return tool && { name: tool.name, input: call.input };
  }
  const tool = find(tools, call.tool);
  if (!tool) {
    const [path, folder] = [quote(call.path), quote(call.path.replace(/[^/]*$/, '') || '.')];
    if (call.tool === 'read') return shellCall(tools, `cat ${path}`);
    return shellCall(tools, `mkdir -p ${folder} && printf %s ${quote(call.content)} > ${path}`);
  }
  const path = { [parameter(tool, ['path', 'file_path', 'filePath', 'absolute_path'])]: call.path };
  return complete(tool, call.tool === 'read' ? path : { ...path, content: call.content });
}

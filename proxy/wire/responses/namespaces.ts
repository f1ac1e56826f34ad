/**
 * OpenAI's responses put tools of one origin (an MCP server) into a namespace; a call names both. Other dialects know plain names
 * only: there a tool goes by one name made of both, and its calls come back under the two. Pure.
 */
import { createHash } from 'node:crypto';
import type { NeutralRequest, ToolPlace } from '../neutral.ts';
import { type Json, list, text } from '../wire.ts';

/** The longest name that every dialect takes. */
const MOST = 64;
const HASH = 8;

function joined(namespace: string, name: string): string {
  const glue = namespace.endsWith('_') ? '' : '__';
  return `${namespace}${glue}${name}`.replaceAll(/[^\w-]/g, '_');
}

/** A name of its own where the joined one is too long or taken. */
function hashed(namespace: string, name: string): string {
  const hash = createHash('sha256').update(`${namespace} ${name}`).digest('hex').slice(0, HASH);
  return `${joined(namespace, name).slice(0, MOST - HASH - 1)}_${hash}`;
}

/** The name a call goes by, wherever it is read. */
export function flatName(call: Json): string {
  const [namespace, name] = [text(call.namespace) ?? '', text(call.name) ?? ''];
  if (namespace === '') return name;
  const plain = joined(namespace, name);
  return plain.length > MOST ? hashed(namespace, name) : plain;
}

export interface FlatTools {
  /** Tools and those of all namespaces, under the names they go by. */
  tools: Json[];
  places: ReadonlyMap<string, ToolPlace>;
  /** The name a call of the conversation goes by. */
  nameOf(call: Json): string;
}

/** What a namespace says of itself stands with the first of its tools. */
function described(tool: Json, namespace: Json, index: number): Json {
  const about = text(namespace.description) ?? '';
  if (index > 0 || about === '') return tool;
  return { ...tool, description: `${text(tool.description) ?? ''}\n\n${about}`.trim() };
}

export function flattened(offered: readonly Json[]): FlatTools {
  const isGroup = (tool: Json) => tool.type === 'namespace';
  const tools = offered.filter((tool) => !isGroup(tool));
  const taken = new Set(tools.map((tool) => text(tool.name)));
  const places = new Map<string, ToolPlace>();
  const names = new Map<string, string>();

  const nameOf = (call: Json) => names.get(`${text(call.namespace)} ${text(call.name)}`) ?? flatName(call);

  for (const group of offered.filter(isGroup)) {
    const namespace = text(group.name) ?? '';
    for (const [index, tool] of list(group.tools).entries()) {
      const name = text(tool.name) ?? '';
      const usual = flatName({ namespace, name });
      const flat = taken.has(usual) ? hashed(namespace, name) : usual;
      taken.add(flat);
      names.set(`${namespace} ${name}`, flat);
      places.set(flat, { namespace, name });
      tools.push({ ...described(tool, group, index), name: flat });
    }
  }
  return { tools, places, nameOf };
}

/** Name and namespace of a call, as the client knows them. */
export function placeOf(
  { places }: Pick<NeutralRequest, 'places'>,
  flat: string,
): { name: string; namespace?: string } {
  return places?.get(flat) ?? { name: flat };
}

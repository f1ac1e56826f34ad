/** The one form between the dialects: what a request asks, what an answer says, and the answer as it arrives. */
import type { TokenUse } from '../../src/costs/schema.ts';
import type { Json, Wire } from './wire.ts';

/** Proof that a thought is the model's own; only the dialect that made it can read it. */
export interface Signature {
  wire: Wire;
  value: string;
  /** The thought itself is hidden in the value. */
  redacted?: boolean;
}

export type Part =
  | { kind: 'text'; text: string }
  /** Image, document or sound: inline data (base64) or an address. */
  | { kind: 'media'; mediaType: string; data?: string; url?: string; name?: string }
  | { kind: 'thinking'; text: string; signature?: Signature }
  /** `input` is JSON text; of a free-form tool it is `{"input": …}`. */
  | { kind: 'call'; id: string; name: string; input: string; signature?: Signature }
  | { kind: 'result'; id: string; name?: string; parts: Part[]; failed: boolean };

export interface Turn {
  role: 'user' | 'assistant';
  parts: Part[];
  /** Said by the program in the middle of the conversation; dialects without such a place take it as the user's. */
  system?: true;
}

export interface Tool {
  name: string;
  description?: string;
  schema: Json;
}

/** Where a tool belongs that goes by a plain name elsewhere. */
export interface ToolPlace {
  namespace: string;
  name: string;
}

export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface Thinking {
  effort?: Effort;
  budget?: number;
  /** The client wants to see the thoughts. */
  show: boolean;
}

export interface NeutralRequest {
  model: string;
  stream: boolean;
  system: string[];
  turns: Turn[];
  tools: Tool[];
  toolChoice?: 'auto' | 'none' | 'any' | { name: string };
  oneCallAtATime?: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  stop: string[];
  thinking?: Thinking;
  /** JSON is wanted; with a schema, of that form. */
  format?: { name: string; schema?: Json; strict?: boolean };
  /** Names of free-form tools, whose input the client wants as plain text. */
  freeForm: ReadonlySet<string>;
  /** Tools of namespaces, by the name they go by. */
  places?: ReadonlyMap<string, ToolPlace>;
  /** What could not be put into the neutral form. */
  dropped: string[];
}

export type Stop = 'end' | 'tool' | 'length' | 'refused' | 'sequence' | 'pause';

export interface Answer {
  id: string;
  model: string;
  parts: Part[];
  stop: Stop;
  usage: TokenUse | undefined;
}

/** Blocks are numbered in the order of their beginning; several may be open at once. */
export type StreamEvent =
  | { kind: 'start'; id: string; model: string; usage?: TokenUse }
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string }
  | { kind: 'signature'; signature: Signature }
  | { kind: 'media'; mediaType: string; data: string }
  | { kind: 'call'; index: number; id: string; name: string; signature?: Signature }
  | { kind: 'input'; index: number; text: string }
  /** The block that is open, or the call of that index, is complete. */
  | { kind: 'close'; index?: number }
  | { kind: 'stop'; stop: Stop }
  | { kind: 'usage'; usage: TokenUse }
  | { kind: 'error'; status: number; type: string; message: string }
  /** The provider said that the answer is complete. */
  | { kind: 'end' };

/** What a writer has to know of the request. */
export interface WriterContext {
  /** Dialect the answer comes from. */
  from: Wire;
  id: string;
  model: string;
  freeForm: ReadonlySet<string>;
  places?: ReadonlyMap<string, ToolPlace>;
  /** OpenAI chat: the client asked for usage. */
  withUsage: boolean;
  /** Google: events, or one array. */
  events: boolean;
  /** Tokens of the request, as far as they can be guessed before the provider says. */
  inputGuess: number;
  /** Seconds since 1970. */
  created: number;
}

export interface EventReader {
  read(document: Json): StreamEvent[];
  /** The stream is over; a dialect without a last event judges here whether it was complete. */
  finish(): StreamEvent[];
}

/** Events as bytes of the client's dialect. */
export type EventWriter = (event: StreamEvent) => string;

/** A request that cannot be said in the dialect of the provider. */
export class WireError extends Error {}

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The input of a call as an object; text that is none is kept under a name. */
export function inputObject(input: string): Json {
  if (input.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(input);
    return isRecord(value) ? value : { input: value };
  } catch {
    return { input };
  }
}

/** The plain text of a free-form call. */
export function freeFormText(input: string): string {
  const value = inputObject(input).input;
  return typeof value === 'string' ? value : input;
}

/** The schema of a tool that takes plain text, for providers that know only JSON. */
export const FREE_FORM_SCHEMA: Json = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
};

export function textOfParts(parts: readonly Part[]): string {
  return parts
    .filter((part) => part.kind === 'text')
    .map((part) => part.text)
    .join('\n');
}

/** Reads a request in Google's dialect. Pure. */
import { type NeutralRequest, type Part, type Thinking, type Tool, type Turn, WireError } from '../neutral.ts';
import { unseal } from '../seal.ts';
import { asEffort } from '../thinking.ts';
import { count, type Json, list, object, text } from '../wire.ts';

/** Google lets calls go without an id: they are numbered by their place, so that every turn names them alike. */
interface CallNames {
  made: number;
  /** Ids of the calls of a name that have no result yet. */
  open: Map<string, string[]>;
}

function callOf(part: Json, names: CallNames): Part {
  const call = object(part.functionCall);
  const name = text(call.name) ?? '';
  const id = text(call.id) ?? `call_${names.made}_${name}`;
  names.made += 1;
  names.open.set(name, [...(names.open.get(name) ?? []), id]);
  const proof = text(part.thoughtSignature);
  return {
    kind: 'call',
    id,
    name,
    input: JSON.stringify(call.args ?? {}),
    ...(proof === undefined ? {} : { signature: unseal('google', proof) }),
  };
}

function resultOf(part: Json, names: CallNames): Part {
  const { id, name, response, parts } = object(part.functionResponse);
  const called = text(name) ?? '';
  const open = names.open.get(called) ?? [];
  const own = text(id) ?? open[0] ?? called;
  names.open.set(
    called,
    open.filter((each) => each !== own),
  );
  const said = object(response);
  const keys = Object.keys(said);
  const only = keys.length === 1 ? (said.output ?? said.result ?? said.error) : undefined;
  const plain = typeof only === 'string' ? only : JSON.stringify(only ?? said);
  const media = list(parts).map(mediaOf);
  return {
    kind: 'result',
    id: own,
    name: called,
    parts: [{ kind: 'text', text: plain }, ...media.filter((each) => each !== undefined)],
    failed: keys.length === 1 && said.error !== undefined,
  };
}

function mediaOf(part: Json): Part | undefined {
  const [inline, file] = [object(part.inlineData ?? part.inline_data), object(part.fileData ?? part.file_data)];
  const mediaType = text(inline.mimeType ?? inline.mime_type ?? file.mimeType ?? file.mime_type) ?? 'image/png';
  if (typeof inline.data === 'string') return { kind: 'media', mediaType, data: inline.data };
  const url = text(file.fileUri ?? file.file_uri);
  return url === undefined ? undefined : { kind: 'media', mediaType, url };
}

function partsOf(part: Json, names: CallNames, dropped: Set<string>): Part[] {
  if (part.functionCall) return [callOf(part, names)];
  if (part.functionResponse) return [resultOf(part, names)];
  const proof = text(part.thoughtSignature);
  const signature = proof === undefined ? {} : { signature: unseal('google', proof) };
  if (typeof part.text === 'string') {
    if (part.thought === true) return [{ kind: 'thinking', text: part.text, ...signature }];
    const before: Part[] = proof === undefined ? [] : [{ kind: 'thinking', text: '', ...signature }];
    return part.text === '' ? before : [...before, { kind: 'text', text: part.text }];
  }
  const media = mediaOf(part);
  if (media) return [media];
  dropped.add(`part:${Object.keys(part)[0] ?? 'empty'}`);
  return [];
}

/** A client that was streamed to sends the pieces back as they came: what belongs together is put together. */
function joined(parts: readonly Part[]): Part[] {
  const whole: Part[] = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if (part.kind === 'text' && last?.kind === 'text')
      whole[whole.length - 1] = { ...last, text: last.text + part.text };
    else if (part.kind === 'thinking' && last?.kind === 'thinking' && !last.signature)
      whole[whole.length - 1] = { ...part, text: last.text + part.text };
    else whole.push(part);
  }
  return whole;
}

const UPPER = /^[A-Z]+$/;

/** Google's own schema names its types in capitals; JSON schema does not. */
function lowerTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lowerTypes);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'type' && typeof value === 'string' && UPPER.test(value) ? value.toLowerCase() : lowerTypes(value),
    ]),
  );
}

function toolsOf(body: Json, dropped: Set<string>): Tool[] {
  return list(body.tools).flatMap((group) => {
    const declared = group.functionDeclarations ?? group.function_declarations;
    for (const key of Object.keys(group)) if (!/^function_?[dD]eclarations$/.test(key)) dropped.add(`tool:${key}`);
    return list(declared).map((each) => ({
      name: text(each.name) ?? '',
      ...(typeof each.description === 'string' ? { description: each.description } : {}),
      schema: object(each.parametersJsonSchema ?? lowerTypes(each.parameters)),
    }));
  });
}

function choiceOf(body: Json): NeutralRequest['toolChoice'] {
  const { mode, allowedFunctionNames } = object(object(body.toolConfig).functionCallingConfig);
  const names = Array.isArray(allowedFunctionNames) ? allowedFunctionNames : [];
  if (mode === 'ANY') return names.length === 1 ? { name: String(names[0]) } : 'any';
  return mode === 'NONE' ? 'none' : mode === 'AUTO' ? 'auto' : undefined;
}

function thinkingOf(config: Json): Thinking | undefined {
  const { thinkingBudget, thinkingLevel, includeThoughts } = object(config.thinkingConfig);
  const effort = asEffort(text(thinkingLevel)?.toLowerCase());
  const budget = typeof thinkingBudget === 'number' ? thinkingBudget : undefined;
  if (effort === undefined && budget === undefined && includeThoughts !== true) return undefined;
  return {
    show: includeThoughts === true,
    ...(effort === undefined ? {} : { effort }),
    ...(budget === undefined ? {} : { budget }),
  };
}

function formatOf(config: Json): NeutralRequest['format'] {
  if (config.responseMimeType !== 'application/json') return undefined;
  const schema = config.responseJsonSchema ?? lowerTypes(config.responseSchema);
  return schema === undefined ? { name: 'answer' } : { name: 'answer', schema: object(schema) };
}

function systemOf(body: Json): string[] {
  const system = body.systemInstruction ?? body.system_instruction;
  if (typeof system === 'string') return [system];
  return list(object(system).parts).map((part) => text(part.text) ?? '');
}

/** @throws WireError for what only Google itself can look up */
export function readGoogleRequest(body: Json, model: string, stream: boolean): NeutralRequest {
  if (body.cachedContent) throw new WireError('"cachedContent" names something that only Google has stored.');
  const dropped = new Set<string>();
  const names: CallNames = { made: 0, open: new Map() };
  const config = object(body.generationConfig ?? body.generation_config);
  const turns = list(body.contents).map((content): Turn => {
    const parts = list(content.parts).flatMap((part) => partsOf(part, names, dropped));
    return content.role === 'model' ? { role: 'assistant', parts: joined(parts) } : { role: 'user', parts };
  });
  const [maxTokens, toolChoice] = [count(config.maxOutputTokens), choiceOf(body)];
  const [thinking, format] = [thinkingOf(config), formatOf(config)];
  const numbers = { temperature: config.temperature, topP: config.topP, topK: config.topK };
  return {
    model,
    stream,
    system: systemOf(body),
    turns,
    tools: toolsOf(body, dropped),
    stop: Array.isArray(config.stopSequences) ? config.stopSequences.map(String) : [],
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => typeof value === 'number')),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(thinking ? { thinking } : {}),
    ...(format ? { format } : {}),
    freeForm: new Set(),
    dropped: [...dropped],
  };
}

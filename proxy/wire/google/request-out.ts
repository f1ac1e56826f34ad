/** Writes a request in Google's dialect. Pure. */
import { inputObject, type NeutralRequest, type Part, type Turn, textOfParts } from '../neutral.ts';
import { budgetOf, effortOf } from '../thinking.ts';
import type { Json } from '../wire.ts';

/** What Google's manual names for calls whose proof came from elsewhere. */
const NO_PROOF = 'skip_thought_signature_validator';
const WANTS_PROOF = /^gemini-([3-9]|\d\d)/;
const TAKES_BUDGET = /^gemini-2\.5/;

function mediaPart(part: Extract<Part, { kind: 'media' }>): Json {
  if (part.data !== undefined) return { inlineData: { mimeType: part.mediaType, data: part.data } };
  return { fileData: { mimeType: part.mediaType, fileUri: part.url ?? '' } };
}

function resultParts(part: Extract<Part, { kind: 'result' }>, names: ReadonlyMap<string, string>): Json[] {
  const said = textOfParts(part.parts);
  const media = part.parts.filter((each) => each.kind === 'media').map(mediaPart);
  const name = part.name ?? names.get(part.id) ?? part.id;
  return [{ functionResponse: { name, response: part.failed ? { error: said } : { output: said } } }, ...media];
}

/** A thought is sent back as its proof alone, on the part that follows it. */
function modelParts(parts: readonly Part[], model: string): Json[] {
  const made: Json[] = [];
  let proof: string | undefined;
  let proven = false;
  for (const part of parts) {
    if (part.kind === 'thinking') {
      if (part.signature?.wire === 'google' && part.signature.value !== '') proof = part.signature.value;
      continue;
    }
    const own = part.kind === 'call' && part.signature?.wire === 'google' ? part.signature.value : proof;
    const needed = part.kind === 'call' && !proven && WANTS_PROOF.test(model) ? NO_PROOF : undefined;
    const signed = own ?? needed;
    proven ||= part.kind === 'call';
    proof = undefined;
    const fields = signed === undefined ? {} : { thoughtSignature: signed };
    if (part.kind === 'text' && part.text !== '') made.push({ text: part.text, ...fields });
    else if (part.kind === 'call')
      made.push({ functionCall: { name: part.name, args: inputObject(part.input) }, ...fields });
    else if (part.kind === 'media') made.push(mediaPart(part));
  }
  return made;
}

function userParts(parts: readonly Part[], names: ReadonlyMap<string, string>): Json[] {
  return parts.flatMap((part): Json[] => {
    if (part.kind === 'text') return part.text === '' ? [] : [{ text: part.text }];
    if (part.kind === 'media') return [mediaPart(part)];
    return part.kind === 'result' ? resultParts(part, names) : [];
  });
}

function contentsOf(turns: readonly Turn[], model: string): Json[] {
  const names = new Map<string, string>();
  for (const { parts } of turns) for (const part of parts) if (part.kind === 'call') names.set(part.id, part.name);
  const contents: { role: string; parts: Json[] }[] = [];
  for (const turn of turns) {
    const role = turn.role === 'assistant' ? 'model' : 'user';
    const parts = role === 'model' ? modelParts(turn.parts, model) : userParts(turn.parts, names);
    const last = contents.at(-1);
    if (parts.length === 0) continue;
    if (last?.role === role) last.parts.push(...parts);
    else contents.push({ role, parts });
  }
  return contents as unknown as Json[];
}

function thinkingConfig(request: NeutralRequest, model: string): Json {
  const { thinking } = request;
  if (!thinking) return {};
  const [effort, budget] = [effortOf(thinking), budgetOf(thinking)];
  const shown = thinking.show ? { includeThoughts: true } : {};
  if (TAKES_BUDGET.test(model)) {
    const pro = model.includes('pro');
    const most = Math.min(Math.max(budget ?? -1, pro && budget !== undefined ? 128 : -1), pro ? 32_768 : 24_576);
    return { thinkingConfig: { thinkingBudget: most, ...(most === 0 ? {} : shown) } };
  }
  if (!WANTS_PROOF.test(model)) return {};
  const low = effort === 'none' || effort === 'minimal' || effort === 'low';
  const level = effort === undefined ? {} : { thinkingLevel: low ? 'low' : 'high' };
  return { thinkingConfig: { ...level, ...shown } };
}

function formatFields({ format }: NeutralRequest): Json {
  if (!format) return {};
  const { schema } = format;
  return { responseMimeType: 'application/json', ...(schema ? { responseJsonSchema: schema } : {}) };
}

function toolFields({ tools, toolChoice }: NeutralRequest): Json {
  if (tools.length === 0) return {};
  const modes = { auto: 'AUTO', none: 'NONE', any: 'ANY' } as const;
  const named = typeof toolChoice === 'object';
  const config = named
    ? { mode: 'ANY', allowedFunctionNames: [toolChoice.name] }
    : toolChoice && { mode: modes[toolChoice] };
  return {
    tools: [
      {
        functionDeclarations: tools.map(({ name, description, schema }) => ({
          name,
          ...(description === undefined ? {} : { description }),
          ...(Object.keys(schema).length === 0 ? {} : { parametersJsonSchema: schema }),
        })),
      },
    ],
    ...(config ? { toolConfig: { functionCallingConfig: config } } : {}),
  };
}

export function writeGoogleRequest(request: NeutralRequest, { model }: { model: string }): Json {
  const system = request.system.filter((each) => each !== '').map((text) => ({ text }));
  const { maxTokens, temperature, topP, topK, stop } = request;
  const generationConfig = {
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(stop.length === 0 ? {} : { stopSequences: stop }),
    ...thinkingConfig(request, model),
    ...formatFields(request),
  };
  return {
    ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
    contents: contentsOf(request.turns, model),
    ...toolFields(request),
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
  };
}

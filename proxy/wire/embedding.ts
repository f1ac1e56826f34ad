/** Embeddings: asked for as OpenAI does, made by Google, answered as OpenAI does. Pure. */
import { WireError } from './neutral.ts';
import { count, type Json, list, object, text } from './wire.ts';

export interface EmbedContext {
  model: string;
  /** The client wants the numbers as base64 of little-endian 32 bit floats, as OpenAI's own SDKs do. */
  packed: boolean;
  /** Tokens of the request, as far as they can be guessed: not every answer counts them. */
  inputGuess: number;
}

function textsOf(input: unknown): string[] {
  const texts = typeof input === 'string' ? [input] : input;
  if (!Array.isArray(texts) || texts.length === 0) throw new WireError('"input" has to be a text or a list of texts.');
  if (!texts.every((each): each is string => typeof each === 'string'))
    throw new WireError('Google embeds text, not tokens: "input" has to be a text or a list of texts.');
  return texts;
}

/** The body of Google's batchEmbedContents. @throws WireError when it cannot be said there */
export function writeEmbedRequest(body: Json, model: string): Json {
  const size = count(body.dimensions);
  const requests = textsOf(body.input).map((each) => ({
    model: `models/${model}`,
    content: { parts: [{ text: each }] },
    ...(size === undefined ? {} : { outputDimensionality: size }),
  }));
  return { requests };
}

export const isPacked = (body: Json): boolean => text(body.encoding_format) === 'base64';

function packed(values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}

/** Google's answer, of one text or of many, as OpenAI's. */
export function writeEmbedAnswer(answer: Json, context: EmbedContext): Json {
  const made = Array.isArray(answer.embeddings) ? list(answer.embeddings) : [object(answer.embedding)];
  const data = made.map((each, index) => {
    const values = (Array.isArray(each.values) ? each.values : []) as number[];
    return { object: 'embedding', index, embedding: context.packed ? packed(values) : values };
  });
  const tokens = count(object(answer.usageMetadata).promptTokenCount) ?? context.inputGuess;
  return { object: 'list', data, model: context.model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

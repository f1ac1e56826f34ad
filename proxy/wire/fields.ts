/** What routing and money need to know of a request, read from its raw bytes. Pure. */
import { isUtf8 } from 'node:buffer';
import type { Route } from './routes.ts';
import { type Field, scanFields } from './scan.ts';
import { object, text } from './wire.ts';

export interface RequestFields {
  model: string;
  /** Where the model stands in the body; absent when the path names it. */
  modelField?: Field;
  stream: boolean;
  maxTokens: number | undefined;
  streamOptions: Field | undefined;
  /** Tools are offered. */
  tools: boolean;
  /** What the client asks of the routing; it is no field of any provider. */
  routing: Field | undefined;
}

const WANTED = [
  'model',
  'stream',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'stream_options',
  'generationConfig',
  'tools',
  'routing',
];

/** @throws SyntaxError with what is wrong */
export function readFields(route: Route, body: Buffer): RequestFields {
  if (!isUtf8(body)) throw new SyntaxError('it is not valid UTF-8');
  const fields = scanFields(body, WANTED);
  const value = (name: string): unknown => {
    const field = fields.get(name);
    return field && JSON.parse(body.toString('utf8', field.start, field.end));
  };
  const most =
    value('max_tokens') ??
    value('max_completion_tokens') ??
    value('max_output_tokens') ??
    object(value('generationConfig')).maxOutputTokens;
  const modelField = fields.get('model');
  const model = route.model ?? text(value('model'));
  if (model === undefined || model === '') throw new SyntaxError('"model" is missing');
  return {
    model,
    ...(modelField === undefined || route.model !== undefined ? {} : { modelField }),
    stream: route.stream ?? value('stream') === true,
    maxTokens: typeof most === 'number' && most >= 0 ? Math.floor(most) : undefined,
    streamOptions: fields.get('stream_options'),
    tools: fields.has('tools'),
    routing: fields.get('routing'),
  };
}

const IMAGES = ['"image"', '"image_url"', '"input_image"', '"inlineData"', '"inline_data"'];

/** What a model has to be able to do for this request; read from the bytes, so at worst too careful. */
export function needsOf(fields: RequestFields, body: Buffer): { tools: boolean; readonly images: boolean } {
  let images: boolean | undefined;
  return {
    tools: fields.tools,
    // Looked for when somebody asks: it goes through the whole body.
    get images() {
      // Whatever form an image has, the word is in it: most requests are searched once.
      images ??= body.includes('image') && IMAGES.some((word) => body.includes(word));
      return images;
    },
  };
}

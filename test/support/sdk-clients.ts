/**
 * The official SDKs, each asked for the same thing: a thought, a text and two calls at once; then the results of the calls are
 * sent back. What they understood is given in one form.
 */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI, type Part } from '@google/genai';
import OpenAI from 'openai';

export interface Understood {
  thought: string;
  text: string;
  calls: { name: string; input: unknown }[];
  /** Why the answer ended, in the client's own word. */
  stop: string | null | undefined;
  usage: { input: number; cached: number; output: number };
}

export interface SdkClient {
  ask(stream: boolean): Promise<Understood>;
  /** Asks, then sends both results; the second request is what a test looks at. */
  goOn(): Promise<void>;
}

const MODEL = 'some-model';
const SYSTEM = 'Be brief.';
const IMAGE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const RESULTS = ['first result', 'second result'] as const;
const SCHEMA = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const TOOLS = ['read', 'bash'].map((name) => ({ name, description: `The ${name} tool`, schema: SCHEMA }));

export function anthropicClient(url: string): SdkClient {
  const client = new Anthropic({ baseURL: url, apiKey: 'token', maxRetries: 0 });
  const request = {
    model: MODEL,
    max_tokens: 4000,
    system: SYSTEM,
    thinking: { type: 'enabled' as const, budget_tokens: 2000 },
    tools: TOOLS.map(({ name, description, schema }) => ({
      name,
      description,
      input_schema: schema as { type: 'object' },
    })),
    messages: [
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'Look at this.' },
          {
            type: 'image' as const,
            source: { type: 'base64' as const, media_type: 'image/png' as const, data: IMAGE },
          },
        ],
      },
    ],
  };
  const send = (stream: boolean) =>
    stream ? client.messages.stream(request).finalMessage() : client.messages.create(request);
  return {
    async ask(stream) {
      const message = await send(stream);
      const { usage } = message;
      return {
        thought: message.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
        text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
        calls: message.content.flatMap((block) =>
          block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [],
        ),
        stop: message.stop_reason,
        usage: {
          input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0),
          cached: usage.cache_read_input_tokens ?? 0,
          output: usage.output_tokens,
        },
      };
    },
    async goOn() {
      const message = await send(true);
      const calls = message.content.filter((block) => block.type === 'tool_use');
      await client.messages.create({
        ...request,
        messages: [
          ...request.messages,
          { role: 'assistant', content: message.content },
          {
            role: 'user',
            content: calls.map((call, at) => ({
              type: 'tool_result',
              tool_use_id: call.id,
              content: RESULTS[at] ?? '',
            })),
          },
        ],
      });
    },
  };
}

export function chatClient(url: string): SdkClient {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'token', maxRetries: 0 });
  const request = {
    model: MODEL,
    max_completion_tokens: 4000,
    reasoning_effort: 'medium' as const,
    tools: TOOLS.map(({ name, description, schema }) => ({
      type: 'function' as const,
      function: { name, description, parameters: schema },
    })),
    messages: [
      { role: 'system' as const, content: SYSTEM },
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'Look at this.' },
          { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${IMAGE}` } },
        ],
      },
    ],
  };
  const send = async (stream: boolean) => {
    if (!stream) return client.chat.completions.create(request);
    const runner = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    let thought = '';
    runner.on('chunk', (chunk) => {
      thought += (chunk.choices[0]?.delta as { reasoning_content?: string } | undefined)?.reasoning_content ?? '';
    });
    const whole = await runner.finalChatCompletion();
    if (whole.choices[0]) Object.assign(whole.choices[0].message, { reasoning_content: thought });
    return whole;
  };
  return {
    async ask(stream) {
      const { choices, usage } = await send(stream);
      const message = choices[0]?.message as OpenAI.ChatCompletionMessage & { reasoning_content?: string };
      return {
        thought: message.reasoning_content ?? '',
        text: message.content ?? '',
        calls: (message.tool_calls ?? []).flatMap((call) =>
          call.type === 'function'
            ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }]
            : [],
        ),
        stop: choices[0]?.finish_reason,
        usage: {
          input: usage?.prompt_tokens ?? -1,
          cached: usage?.prompt_tokens_details?.cached_tokens ?? -1,
          output: usage?.completion_tokens ?? -1,
        },
      };
    },
    async goOn() {
      const { choices } = await send(true);
      const message = choices[0]?.message as OpenAI.ChatCompletionMessage;
      await client.chat.completions.create({
        ...request,
        messages: [
          ...request.messages,
          message,
          ...(message.tool_calls ?? []).map((call, at) => ({
            role: 'tool' as const,
            tool_call_id: call.id,
            content: RESULTS[at] ?? '',
          })),
        ],
      });
    },
  };
}

export function responsesClient(url: string): SdkClient {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'token', maxRetries: 0 });
  const question: OpenAI.Responses.ResponseInputItem = {
    role: 'user',
    content: [
      { type: 'input_text', text: 'Look at this.' },
      { type: 'input_image', image_url: `data:image/png;base64,${IMAGE}`, detail: 'auto' },
    ],
  };
  const request = {
    model: MODEL,
    instructions: SYSTEM,
    max_output_tokens: 4000,
    store: false,
    include: ['reasoning.encrypted_content' as const],
    reasoning: { effort: 'medium' as const, summary: 'auto' as const },
    tools: TOOLS.map(({ name, description, schema }) => ({
      type: 'function' as const,
      name,
      description,
      parameters: schema,
      strict: false,
    })),
    input: [question],
  };
  const send = (stream: boolean) =>
    stream ? client.responses.stream(request).finalResponse() : client.responses.create(request);
  return {
    async ask(stream) {
      const { output, usage, status } = await send(stream);
      return {
        thought: output
          .map((item) => (item.type === 'reasoning' ? item.summary.map((part) => part.text).join('') : ''))
          .join(''),
        text: output
          .flatMap((item) => (item.type === 'message' ? item.content : []))
          .map((part) => (part.type === 'output_text' ? part.text : ''))
          .join(''),
        calls: output.flatMap((item) =>
          item.type === 'function_call' ? [{ name: item.name, input: JSON.parse(item.arguments) as unknown }] : [],
        ),
        stop: status,
        usage: {
          input: usage?.input_tokens ?? -1,
          cached: usage?.input_tokens_details.cached_tokens ?? -1,
          output: usage?.output_tokens ?? -1,
        },
      };
    },
    async goOn() {
      const { output } = await send(true);
      const calls = output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
      await client.responses.create({
        ...request,
        input: [
          ...request.input,
          ...(output as OpenAI.Responses.ResponseInputItem[]),
          ...calls.map((call, at) => ({
            type: 'function_call_output' as const,
            call_id: call.call_id,
            output: RESULTS[at] ?? '',
          })),
        ],
      });
    },
  };
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function googleClient(url: string): SdkClient {
  const client = new GoogleGenAI({ apiKey: 'token', httpOptions: { baseUrl: url } });
  const first = {
    role: 'user',
    parts: [{ text: 'Look at this.' }, { inlineData: { mimeType: 'image/png', data: IMAGE } }],
  };
  const request = {
    model: MODEL,
    contents: [first] as { role: string; parts: Part[] }[],
    config: {
      systemInstruction: SYSTEM,
      maxOutputTokens: 4000,
      thinkingConfig: { includeThoughts: true, thinkingBudget: 2000 },
      tools: [
        {
          functionDeclarations: TOOLS.map(({ name, description, schema }) => ({
            name,
            description,
            parametersJsonSchema: schema,
          })),
        },
      ],
    },
  };
  const send = async (stream: boolean) => {
    const answers = stream
      ? await allOf(await client.models.generateContentStream(request))
      : [await client.models.generateContent(request)];
    return {
      parts: answers.flatMap((answer) => answer.candidates?.[0]?.content?.parts ?? []),
      last: answers.at(-1),
    };
  };
  return {
    async ask(stream) {
      const { parts, last } = await send(stream);
      const usage = last?.usageMetadata;
      return {
        thought: parts.map((part) => (part.thought ? (part.text ?? '') : '')).join(''),
        text: parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join(''),
        calls: parts.flatMap((part) =>
          part.functionCall ? [{ name: part.functionCall.name ?? '', input: part.functionCall.args }] : [],
        ),
        stop: last?.candidates?.[0]?.finishReason,
        usage: {
          input: usage?.promptTokenCount ?? -1,
          cached: usage?.cachedContentTokenCount ?? -1,
          output: (usage?.candidatesTokenCount ?? -1) + (usage?.thoughtsTokenCount ?? 0),
        },
      };
    },
    async goOn() {
      const { parts } = await send(true);
      const calls = parts.flatMap((part) => (part.functionCall ? [part.functionCall] : []));
      const results = calls.map((call, at) => ({
        functionResponse: {
          ...(call.id === undefined ? {} : { id: call.id }),
          name: call.name ?? '',
          response: { output: RESULTS[at] ?? '' },
        },
      }));
      await client.models.generateContent({
        ...request,
        contents: [...request.contents, { role: 'model', parts }, { role: 'user', parts: results }],
      });
    },
  };
}

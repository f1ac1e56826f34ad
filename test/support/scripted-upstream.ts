/**
 * A provider of every dialect, written down from the providers' own manuals: each answers with one thought, one text and two
 * calls at once, whole or streamed, and keeps what it was sent.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

type Json = Record<string, unknown>;

export interface Upstream {
  url: string;
  seen: { path: string; body: Json; headers: IncomingMessage['headers'] }[];
  stop(): Promise<void>;
}

/** What every dialect says. */
export const SAID = {
  thought: 'Two tools are needed.',
  text: 'I look at both — ünïcode 🚀.',
  calls: [
    { name: 'read', input: { path: 'a "b".txt' } },
    { name: 'bash', input: { command: 'ls\n' } },
  ],
  usage: { input: 40, cached: 60, output: 20, reasoning: 5 },
} as const;
const [READ, BASH] = SAID.calls;
const halves = (text: string): [string, string] => {
  const middle = Math.floor(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
};
const args = (call: { input: object }) => JSON.stringify(call.input);

const ANTHROPIC_USAGE = {
  input_tokens: 40,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 60,
  output_tokens: 20,
};

function anthropicBody(): Json {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5',
    content: [
      { type: 'thinking', thinking: SAID.thought, signature: 'SIG-A' },
      { type: 'text', text: SAID.text },
      { type: 'tool_use', id: 'toolu_1', name: READ.name, input: READ.input },
      { type: 'tool_use', id: 'toolu_2', name: BASH.name, input: BASH.input },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: ANTHROPIC_USAGE,
  };
}

function anthropicStream(): string {
  const event = (type: string, data: Json) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const block = (index: number, content_block: Json, deltas: Json[]) =>
    event('content_block_start', { index, content_block }) +
    deltas.map((delta) => event('content_block_delta', { index, delta })).join('') +
    event('content_block_stop', { index });
  const json = (call: { input: object }) =>
    halves(args(call)).map((partial_json) => ({ type: 'input_json_delta', partial_json }));
  return (
    event('message_start', {
      message: { ...anthropicBody(), content: [], stop_reason: null, usage: { ...ANTHROPIC_USAGE, output_tokens: 1 } },
    }) +
    event('ping', {}) +
    block(0, { type: 'thinking', thinking: '', signature: '' }, [
      ...halves(SAID.thought).map((thinking) => ({ type: 'thinking_delta', thinking })),
      { type: 'signature_delta', signature: 'SIG-A' },
    ]) +
    block(
      1,
      { type: 'text', text: '' },
      halves(SAID.text).map((text) => ({ type: 'text_delta', text })),
    ) +
    block(2, { type: 'tool_use', id: 'toolu_1', name: READ.name, input: {} }, json(READ)) +
    block(3, { type: 'tool_use', id: 'toolu_2', name: BASH.name, input: {} }, json(BASH)) +
    event('message_delta', {
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 20 },
    }) +
    event('message_stop', {})
  );
}

const CHAT_USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 60 },
  completion_tokens_details: { reasoning_tokens: 5 },
};

const chatCall = (id: string, call: { name: string; input: object }) => ({
  id,
  type: 'function',
  function: { name: call.name, arguments: args(call) },
});

function chatBody(): Json {
  const message = {
    role: 'assistant',
    content: SAID.text,
    reasoning_content: SAID.thought,
    tool_calls: [chatCall('call_1', READ), chatCall('call_2', BASH)],
  };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'served-model',
    choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
    usage: CHAT_USAGE,
  };
}

function chatStream(withUsage: boolean): string {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'served-model' };
  const chunk = (delta: Json, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const call = (index: number, id: string, made: { name: string; input: object }) => {
    const [first, second] = halves(args(made));
    return (
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name: made.name, arguments: '' } }] }) +
      chunk({ tool_calls: [{ index, function: { arguments: first } }] }) +
      chunk({ tool_calls: [{ index, function: { arguments: second } }] })
    );
  };
  return [
    chunk({ role: 'assistant', content: '' }),
    ...halves(SAID.thought).map((reasoning_content) => chunk({ reasoning_content })),
    ...halves(SAID.text).map((content) => chunk({ content })),
    call(0, 'call_1', READ),
    call(1, 'call_2', BASH),
    chunk({}, 'tool_calls'),
    withUsage ? `data: ${JSON.stringify({ ...head, choices: [], usage: CHAT_USAGE })}\n\n` : '',
    'data: [DONE]\n\n',
  ].join('');
}

function responsesItems(): Json[] {
  return [
    {
      id: 'rs_1',
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: SAID.thought }],
      encrypted_content: 'ENC-O',
    },
    {
      id: 'msg_1',
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: SAID.text, annotations: [] }],
    },
    { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: READ.name, arguments: args(READ) },
    { id: 'fc_2', type: 'function_call', call_id: 'call_2', name: BASH.name, arguments: args(BASH) },
  ];
}

function responsesBody(output: Json[], status = 'completed'): Json {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status,
    error: null,
    incomplete_details: null,
    model: 'gpt-5.4',
    output,
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage:
      status === 'completed'
        ? {
            input_tokens: 100,
            input_tokens_details: { cached_tokens: 60 },
            output_tokens: 20,
            output_tokens_details: { reasoning_tokens: 5 },
            total_tokens: 120,
          }
        : null,
  };
}

function responsesStream(): string {
  let sequence_number = 0;
  const event = (type: string, data: Json) => {
    sequence_number += 1;
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...data })}\n\n`;
  };
  const inner = (at: number, item: Json): string => {
    const place = { item_id: item.id, output_index: at };
    if (item.type === 'reasoning')
      return (
        event('response.reasoning_summary_part.added', {
          ...place,
          summary_index: 0,
          part: { type: 'summary_text', text: '' },
        }) +
        halves(SAID.thought)
          .map((delta) => event('response.reasoning_summary_text.delta', { ...place, summary_index: 0, delta }))
          .join('')
      );
    if (item.type === 'message')
      return (
        event('response.content_part.added', {
          ...place,
          content_index: 0,
          part: { type: 'output_text', text: '', annotations: [] },
        }) +
        halves(SAID.text)
          .map((delta) => event('response.output_text.delta', { ...place, content_index: 0, delta }))
          .join('')
      );
    return halves(String(item.arguments))
      .map((delta) => event('response.function_call_arguments.delta', { ...place, delta }))
      .join('');
  };
  const shell = (item: Json) =>
    item.type === 'message'
      ? { ...item, content: [] }
      : item.type === 'reasoning'
        ? { id: item.id, type: 'reasoning', summary: [] }
        : { ...item, arguments: '' };
  return (
    event('response.created', { response: responsesBody([], 'in_progress') }) +
    responsesItems()
      .map(
        (item, output_index) =>
          event('response.output_item.added', { output_index, item: shell(item) }) +
          inner(output_index, item) +
          event('response.output_item.done', { output_index, item }),
      )
      .join('') +
    event('response.completed', { response: responsesBody(responsesItems()) })
  );
}

const GOOGLE_USAGE = {
  promptTokenCount: 100,
  cachedContentTokenCount: 60,
  candidatesTokenCount: 15,
  thoughtsTokenCount: 5,
  totalTokenCount: 120,
};

const googleParts = (): Json[] => [
  { text: SAID.thought, thought: true },
  { text: SAID.text },
  { functionCall: { name: READ.name, args: READ.input }, thoughtSignature: 'SIG-G' },
  { functionCall: { name: BASH.name, args: BASH.input } },
];

function googleBody(parts: Json[], last: boolean): Json {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...(last ? { finishReason: 'STOP' } : {}) }],
    usageMetadata: GOOGLE_USAGE,
    modelVersion: 'gemini-2.5-pro',
    responseId: 'resp-g',
  };
}

function googleStream(): string {
  const parts = googleParts();
  return parts
    .map((part, at) => `data: ${JSON.stringify(googleBody([part], at === parts.length - 1))}\r\n\r\n`)
    .join('');
}

function answerOf(path: string, body: Json): { stream: boolean; text: string } | undefined {
  const stream = body.stream === true;
  if (path === '/v1/messages/count_tokens') return { stream: false, text: '{"input_tokens":77}' };
  if (path === '/v1/responses/input_tokens')
    return { stream: false, text: '{"object":"response.input_tokens","input_tokens":77}' };
  if (path.endsWith(':countTokens')) return { stream: false, text: '{"totalTokens":77}' };
  if (path === '/v1/messages') return { stream, text: stream ? anthropicStream() : JSON.stringify(anthropicBody()) };
  if (path === '/v1/chat/completions') {
    const options = body.stream_options as { include_usage?: boolean } | undefined;
    return { stream, text: stream ? chatStream(options?.include_usage === true) : JSON.stringify(chatBody()) };
  }
  if (path === '/v1/responses')
    return { stream, text: stream ? responsesStream() : JSON.stringify(responsesBody(responsesItems())) };
  if (path.endsWith(':streamGenerateContent')) return { stream: true, text: googleStream() };
  if (path.endsWith(':generateContent'))
    return { stream: false, text: JSON.stringify(googleBody(googleParts(), true)) };
  return undefined;
}

/** Writes `text` in small pieces, so that events and characters are torn. */
async function torn(response: ServerResponse, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 97) {
    response.write(bytes.subarray(at, at + 97));
    if (at % 5 === 0) await new Promise(setImmediate);
  }
  response.end();
}

export async function createScriptedUpstream(): Promise<Upstream> {
  const seen: Upstream['seen'] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
      const path = (request.url ?? '').split('?')[0] ?? '';
      seen.push({ path, body, headers: request.headers });
      const answer = answerOf(path, body);
      if (!answer) return void response.writeHead(404).end('{}');
      response.writeHead(200, { 'content-type': answer.stream ? 'text/event-stream' : 'application/json' });
      if (answer.stream) void torn(response, answer.text);
      else response.end(answer.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * The provider of the proxy benchmark: OpenAI chat completions as fast as Node can write them. The model says how: `burst` streams
 * without a pause, `paced` one event every 20 ms that carries the time it was written. Prints its port.
 */
import { createServer, type ServerResponse } from 'node:http';

const EVENTS = 200;
const PACED_EVENTS = 60;
const PACE_MS = 20;

const usage = {
  prompt_tokens: 100,
  completion_tokens: EVENTS,
  total_tokens: 100 + EVENTS,
  prompt_tokens_details: { cached_tokens: 60 },
};
const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench' };
const chunk = (content: string) =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const PIECE = Buffer.from(chunk('twenty-four characters..'));
const END = Buffer.from(
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n` +
    `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`,
);
const WHOLE = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'bench',
    choices: [{ index: 0, message: { role: 'assistant', content: 'a word '.repeat(100) }, finish_reason: 'stop' }],
    usage,
  }),
);

/** Requests that were made, clients that went before the end of their answer, and when the last one went. */
const seen = { requests: 0, gone: 0, at: '0' };

function burst(response: ServerResponse): void {
  let left = EVENTS;
  const step = () => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      if (!response.write(PIECE)) return void response.once('drain', step);
      if (left % 4 === 0) return void setImmediate(step);
    }
    response.end(END);
  };
  step();
}

function paced(response: ServerResponse): void {
  let left = PACED_EVENTS;
  const timer = setInterval(() => {
    left -= 1;
    if (left === 0 || response.destroyed) {
      clearInterval(timer);
      response.end(END);
    } else response.write(chunk(`@${process.hrtime.bigint()}@`));
  }, PACE_MS);
}

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === '/seen') return void response.end(JSON.stringify(seen));
  seen.requests += 1;
  response.on('close', () => {
    if (!response.writableFinished) Object.assign(seen, { gone: seen.gone + 1, at: String(process.hrtime.bigint()) });
  });
  const chunks: Buffer[] = [];
  request.on('data', (part: Buffer) => chunks.push(part));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    if (!body.includes('"stream":true'))
      return void response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': WHOLE.length })
        .end(WHOLE);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    if (body.includes('"paced')) paced(response);
    else burst(response);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));

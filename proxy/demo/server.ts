/**
 * The scripted provider `demo`: speaks Anthropic messages and OpenAI chat completions on loopback, does real steps through the
 * agent's own tools, and misbehaves when a script asks for it. For `godel demo`, for tests, and for people who test agents.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../src/base/id.ts';
import { anthropicBody, anthropicEvents, chatBody, chatEvents, countsFor } from './answers.ts';
import { readConversation } from './conversation.ts';
import { nextStep, type Plan } from './scripts.ts';

export interface DemoProvider {
  /** Base URL without a path. */
  url: string;
  stop(): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'request-id': `req_${newId()}` })
    .end(JSON.stringify(body));
}

async function sendEvents(response: ServerResponse, events: readonly string[], plan: Plan): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'request-id': `req_${newId()}`,
  });
  const shown = plan.step.kind === 'cut' ? events.slice(0, Math.max(3, Math.floor(events.length / 2))) : events;
  for (const event of shown) {
    if (response.destroyed) return;
    if (!response.write(event)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
    if (plan.slowMs > 0) await delay(plan.slowMs);
  }
  if (plan.step.kind === 'cut') response.destroy();
  else response.end();
}

function sendError(response: ServerResponse, anthropic: boolean, status: number): void {
  const type = status === 529 ? 'overloaded_error' : status === 401 ? 'authentication_error' : 'api_error';
  const error = { type, message: `Scripted error ${status}` };
  sendJson(response, status, anthropic ? { type: 'error', error } : { error });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (request.method === 'GET') {
    const data = ['demo-small', 'demo-large'].map((id) => ({
      id,
      object: 'model',
      type: 'model',
      display_name: id,
      created: 0,
      owned_by: 'godel',
    }));
    return sendJson(response, 200, { object: 'list', data, has_more: false });
  }
  const text = await readBody(request);
  const body = JSON.parse(text) as Record<string, unknown>;
  const conversation = readConversation(body, text.length);
  if (path === '/v1/messages/count_tokens')
    return sendJson(response, 200, { input_tokens: Math.ceil(text.length / 4) });
  const anthropic = path === '/v1/messages';
  if (!anthropic && path !== '/v1/chat/completions') return sendError(response, false, 404);
  const plan = nextStep(conversation);
  if (plan.waitMs > 0) await delay(plan.waitMs);
  const { step } = plan;
  if (step.kind === 'error') return sendError(response, anthropic, step.status);
  const [id, counts] = [newId().replaceAll('-', ''), countsFor(conversation, step)];
  if (!conversation.stream)
    return sendJson(
      response,
      200,
      anthropic ? anthropicBody(id, conversation, step, counts) : chatBody(id, conversation, step, counts),
    );
  const withUsage = (body.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;
  const events = anthropic
    ? anthropicEvents(id, conversation, step, counts)
    : chatEvents(id, conversation, step, counts, withUsage);
  await sendEvents(response, events, plan);
}

export async function createDemoProvider(options: { port: number }): Promise<DemoProvider> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 400, { type: 'error', error: { type: 'invalid_request_error', message: String(error) } });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * The scripted provider `demo`: speaks every dialect of the proxy on loopback, does real steps through the agent's own tools, and
 * misbehaves when a script asks for it. For `godel demo`, for tests, and for people who test agents.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../src/base/id.ts';
import { type Fields, recordOf } from '../http/fields.ts';
import type { Refusal } from '../refusal.ts';
import { eventsOf } from '../wire/answer.ts';
import { dialects } from '../wire/dialects.ts';
import { refusalBody, refusalEvent, refusalFields } from '../wire/errors.ts';
import { modelsBody } from '../wire/models.ts';
import type { Answer, NeutralRequest, WriterContext } from '../wire/neutral.ts';
import { type Route, routeOf, wireOf } from '../wire/routes.ts';
import { writeCount } from '../wire/translation.ts';
import { type Json, object, type Wire } from '../wire/wire.ts';
import { answerOf } from './answers.ts';
import { readConversation } from './conversation.ts';
import { nextTurn, type Turn } from './scripts.ts';

export interface DemoProvider {
  /** Base URL without a path. */
  url: string;
  stop(): Promise<void>;
}

const MODELS = ['demo-small', 'demo-large'];
const PIECE_LENGTH = 24;
const CHARS_PER_TOKEN = 4;
const GARBAGE = 'event: nonsense\ndata: {"broken": \u0000\n\n: a comment\n\ndata: not JSON at all\n\n';

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Header fields as the proxy reads them. */
const fieldsOf = ({ rawHeaders }: IncomingMessage): Fields =>
  rawHeaders.map((part, at) => (at % 2 === 0 ? part.toLowerCase() : part));

function sendRefusal(response: ServerResponse, wire: Wire, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  response.writeHead(refusal.status, recordOf(refusalFields(refusal))).end(refusalBody(wire, refusal));
}

function sendJson(response: ServerResponse, body: unknown): void {
  response
    .writeHead(200, { 'content-type': 'application/json', 'request-id': `req_${newId()}` })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}

function contextFor(route: Route, body: Json, request: NeutralRequest): WriterContext {
  return {
    from: route.wire,
    id: newId().replaceAll('-', ''),
    model: request.model,
    freeForm: request.freeForm,
    ...(request.places ? { places: request.places } : {}),
    withUsage: object(body.stream_options).include_usage === true,
    events: route.wire !== 'google' || route.search.includes('alt=sse'),
    inputGuess: 0,
    created: Math.floor(Date.now() / 1000),
  };
}

/** What is sent of a stream, given its fault: whole, or the first part of it. */
function shownOf(wire: Wire, events: readonly string[], turn: Turn): string[] {
  const half = events.slice(0, Math.max(3, Math.floor(events.length / 2)));
  switch (turn.step.fault) {
    case 'cut':
    case 'stall':
      return half;
    case 'fail':
      return [...half, refusalEvent(wire, { status: 529, type: 'overloaded_error', message: turn.step.text })];
    case 'garbage':
      return [...half, GARBAGE, ...events.slice(half.length)];
    default:
      return [...events];
  }
}

async function sendEvents(
  response: ServerResponse,
  events: readonly string[],
  turn: Turn,
  type: string,
): Promise<void> {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache', 'request-id': `req_${newId()}` });
  for (const event of events) {
    if (response.destroyed) return;
    if (event === '') continue;
    // Written for good, so that what follows cannot take it back.
    await new Promise((resolve) => {
      response.once('close', resolve);
      response.write(event, () => {
        response.off('close', resolve);
        resolve(undefined);
      });
    });
    if (turn.slowMs > 0) await delay(turn.slowMs);
  }
  if (turn.step.fault === 'stall') return;
  if (turn.step.fault === 'cut' || turn.step.fault === 'fail') response.destroy();
  else response.end();
}

function sendError(response: ServerResponse, wire: Wire, { status, retrySeconds }: NonNullable<Turn['step']['error']>) {
  const type = status === 529 ? 'overloaded_error' : status === 401 ? 'authentication_error' : 'api_error';
  const again = retrySeconds === undefined ? {} : { retryAfterMs: retrySeconds * 1000 };
  sendRefusal(response, wire, { status, type, message: `Scripted error ${status}`, ...again });
}

async function sendWhole(response: ServerResponse, wire: Wire, answer: Answer, context: WriterContext, turn: Turn) {
  const body = JSON.stringify(dialects[wire].writeAnswer(answer, context));
  const { fault } = turn.step;
  if (fault === 'garbage') return sendJson(response, `${body.slice(0, body.length / 2)}\u0000<html>`);
  if (fault !== 'cut' && fault !== 'stall' && fault !== 'fail') return sendJson(response, body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => fault === 'stall' || response.destroy());
}

async function generate(route: Route, text: string, response: ServerResponse): Promise<void> {
  const { wire } = route;
  const body = object(JSON.parse(text));
  const model = route.model ?? String(body.model ?? MODELS[0]);
  const request = dialects[wire].readRequest(body, model, route.stream ?? body.stream === true);
  const conversation = readConversation(request, text.length);
  const turn = nextTurn(conversation);
  if (turn.waitMs > 0) await delay(turn.waitMs);
  const { fault, error } = turn.step;
  if (error) return sendError(response, wire, error);
  if (fault === 'hang') return;
  const context = contextFor(route, body, request);
  const answer = answerOf(wire, context.id, conversation, turn);
  if (!conversation.stream) return sendWhole(response, wire, answer, context, turn);
  const events = eventsOf(answer, PIECE_LENGTH).map(dialects[wire].createWriter(context));
  const type = context.events ? 'text/event-stream' : 'application/json';
  await sendEvents(response, shownOf(wire, events, turn), turn, type);
}

function embed(body: Json): Json {
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  const data = inputs.map((input, index) => {
    const text = String(input);
    const embedding = Array.from({ length: 8 }, (_, at) => Math.sin(text.length * (at + 1)));
    return { object: 'embedding', index, embedding };
  });
  const used = Math.ceil(JSON.stringify(inputs).length / CHARS_PER_TOKEN);
  return { object: 'list', model: body.model, data, usage: { prompt_tokens: used, total_tokens: used } };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  const route = routeOf(request.method ?? 'GET', url, fieldsOf(request));
  const text = await readBody(request);
  if (route?.call === 'models') {
    const known = MODELS.map((id) => ({ provider: 'demo', id }));
    return sendJson(response, modelsBody(route, known) ?? '{}');
  }
  if (!route)
    return sendRefusal(response, wireOf(url, fieldsOf(request)), {
      status: 404,
      type: 'not_found_error',
      message: `The demo provider does not serve ${url}.`,
    });
  if (route.call === 'count')
    return sendJson(response, writeCount(route.wire, Math.ceil(text.length / CHARS_PER_TOKEN)));
  if (route.call === 'embed') return sendJson(response, embed(object(JSON.parse(text))));
  await generate(route, text, response);
}

export async function createDemoProvider(options: { port: number }): Promise<DemoProvider> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      sendRefusal(response, wireOf(request.url ?? '/', fieldsOf(request)), {
        status: 400,
        type: 'invalid_request_error',
        message,
      });
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

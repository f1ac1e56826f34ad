/** What each dialect can read and write, in one table. */
import { readAnthropicAnswer, writeAnthropicAnswer } from './anthropic/answer.ts';
import { readAnthropicRequest } from './anthropic/request-in.ts';
import { writeAnthropicRequest } from './anthropic/request-out.ts';
import { createAnthropicReader } from './anthropic/stream-in.ts';
import { createAnthropicWriter } from './anthropic/stream-out.ts';
import { readChatAnswer, writeChatAnswer } from './chat/answer.ts';
import { readChatRequest } from './chat/request-in.ts';
import { writeChatRequest } from './chat/request-out.ts';
import { createChatReader } from './chat/stream-in.ts';
import { createChatWriter } from './chat/stream-out.ts';
import { readGoogleAnswer, writeGoogleAnswer } from './google/answer.ts';
import { readGoogleRequest } from './google/request-in.ts';
import { writeGoogleRequest } from './google/request-out.ts';
import { createGoogleReader } from './google/stream-in.ts';
import { createGoogleWriter } from './google/stream-out.ts';
import type { Answer, EventReader, EventWriter, NeutralRequest, WriterContext } from './neutral.ts';
import { readResponsesAnswer, writeResponsesAnswer } from './responses/answer.ts';
import { readResponsesRequest } from './responses/request-in.ts';
import { writeResponsesRequest } from './responses/request-out.ts';
import { createResponsesReader } from './responses/stream-in.ts';
import { createResponsesWriter } from './responses/stream-out.ts';
import type { Json, Wire } from './wire.ts';

export interface ModelTarget {
  model: string;
  /** OpenAI's own service, or one that follows it to the letter. */
  official: boolean;
  /** The most the model can write, when known. */
  maxOutput: number | undefined;
}

export interface Dialect {
  /** `stream` says what a dialect does not say in the body. @throws WireError */
  readRequest(body: Json, model: string, stream: boolean): NeutralRequest;
  writeRequest(request: NeutralRequest, target: ModelTarget): Json;
  /** Path of a call at a provider. */
  path(target: ModelTarget, stream: boolean): string;
  readAnswer(body: Json): Answer;
  writeAnswer(answer: Answer, context: WriterContext): Json;
  createReader(): EventReader;
  createWriter(context: WriterContext): EventWriter;
}

export const dialects: Readonly<Record<Wire, Dialect>> = {
  anthropic: {
    readRequest: readAnthropicRequest,
    writeRequest: writeAnthropicRequest,
    path: () => '/v1/messages',
    readAnswer: readAnthropicAnswer,
    writeAnswer: writeAnthropicAnswer,
    createReader: createAnthropicReader,
    createWriter: createAnthropicWriter,
  },
  chat: {
    readRequest: readChatRequest,
    writeRequest: writeChatRequest,
    path: () => '/v1/chat/completions',
    readAnswer: readChatAnswer,
    writeAnswer: writeChatAnswer,
    createReader: createChatReader,
    createWriter: createChatWriter,
  },
  responses: {
    readRequest: readResponsesRequest,
    writeRequest: writeResponsesRequest,
    path: () => '/v1/responses',
    readAnswer: readResponsesAnswer,
    writeAnswer: writeResponsesAnswer,
    createReader: createResponsesReader,
    createWriter: createResponsesWriter,
  },
  google: {
    readRequest: readGoogleRequest,
    writeRequest: writeGoogleRequest,
    path: ({ model }, stream) =>
      `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    readAnswer: readGoogleAnswer,
    writeAnswer: writeGoogleAnswer,
    createReader: createGoogleReader,
    createWriter: createGoogleWriter,
  },
};

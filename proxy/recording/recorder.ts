/** Keeps what was said, of keys that ask for it, beside the traffic: nothing of it happens before the client has its answer. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { messageOf } from '../../src/base/error.ts';
import type { Log } from '../../src/base/log.ts';
import type { VirtualKey } from '../../src/costs/schema.ts';
import { createCollector } from '../wire/answer.ts';
import { dialects } from '../wire/dialects.ts';
import type { RequestFields } from '../wire/fields.ts';
import type { Answer, NeutralRequest } from '../wire/neutral.ts';
import type { Route } from '../wire/routes.ts';
import { createEventParser } from '../wire/sse.ts';
import { type Json, object, type Wire } from '../wire/wire.ts';
import type { RecordingStore } from './store.ts';
import { nameTurns } from './turns.ts';

export interface RecordedRequest {
  requestId: string;
  key: VirtualKey;
  route: Route;
  fields: RequestFields;
  body: Buffer;
}

export interface OpenRecording {
  /** Bytes as the client gets them; their memory is free again when this returns. */
  watch(bytes: Buffer): void;
  /** Writes it, when the client has everything. */
  save(outcome: { provider: string; model: string; status: number; outcome: string }): void;
}

export interface Recorder {
  /** Undefined when the key does not ask for it. */
  begin(request: RecordedRequest): OpenRecording | undefined;
  /** Waits for what is being written. */
  idle(): Promise<void>;
}

/** Of an answer this much (bytes) is kept. */
const MOST_ANSWER = 16 * 1024 * 1024;
const compress = promisify(gzip);

/** An answer as its client understands it; undefined when it is none. */
export function readRecordedAnswer(wire: Wire, bytes: Buffer): Answer | undefined {
  const text = bytes.toString('utf8');
  const [reader, collector] = [dialects[wire].createReader(), createCollector('')];
  const take = (documents: readonly Json[]) => {
    for (const document of documents) for (const event of reader.read(document)) collector.take(event);
  };
  try {
    const whole: unknown = JSON.parse(text);
    if (!Array.isArray(whole)) return object(whole).error ? undefined : dialects[wire].readAnswer(object(whole));
    take(whole.map(object));
  } catch {
    const parser = createEventParser();
    take(parser.push(bytes).documents);
    take(parser.finish().documents);
  }
  const answer = collector.answer();
  return answer.parts.length === 0 ? undefined : answer;
}

function readAsked({ route, fields, body }: RecordedRequest): NeutralRequest | undefined {
  try {
    return dialects[route.wire].readRequest(object(JSON.parse(body.toString('utf8'))), fields.model, fields.stream);
  } catch {
    // What cannot be said in the neutral form is kept as bytes alone.
    return undefined;
  }
}

export function createRecorder(store: RecordingStore, now: () => number, log: Log): Recorder {
  const writing = new Set<Promise<void>>();

  async function write(
    asked: RecordedRequest,
    bytes: Buffer,
    outcome: Parameters<OpenRecording['save']>[0],
  ): Promise<void> {
    const { requestId, key, route, fields, body } = asked;
    const request = readAsked(asked);
    const answer = outcome.status < 300 ? readRecordedAnswer(route.wire, bytes) : undefined;
    const [packedRequest, packedAnswer] = await Promise.all([compress(body), compress(bytes)]);
    store.add({
      requestId,
      at: new Date(now()).toISOString(),
      projectId: key.projectId,
      ...(key.agentId === undefined ? {} : { agentId: key.agentId }),
      ...(key.agentName === undefined ? {} : { agentName: key.agentName }),
      ...(key.beadId === undefined ? {} : { beadId: key.beadId }),
      ...outcome,
      dialect: route.wire,
      stream: fields.stream,
      turns: request ? nameTurns(request.turns, answer) : [],
      system: request?.system.join('\n\n') ?? '',
      tools: request?.tools.map((tool) => tool.name) ?? [],
      requestBytes: body.length,
      answerBytes: bytes.length,
      request: packedRequest,
      answer: packedAnswer,
    });
  }

  return {
    begin(asked) {
      if (asked.key.record !== true || asked.route.call !== 'generate') return undefined;
      const chunks: Buffer[] = [];
      let size = 0;
      return {
        watch(bytes) {
          size += bytes.length;
          if (size <= MOST_ANSWER) chunks.push(Buffer.from(bytes));
        },
        save(outcome) {
          const written = write(asked, Buffer.concat(chunks), outcome)
            .catch((error: unknown) =>
              log.error({ requestId: asked.requestId, problem: messageOf(error) }, 'request could not be recorded'),
            )
            .finally(() => writing.delete(written));
          writing.add(written);
        },
      };
    },
    async idle() {
      await Promise.all(writing);
    },
  };
}

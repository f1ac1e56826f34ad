/** Memory of pieces of answers is used again and again: nobody gets bytes of another stream, or of a later moment. */
import { createHash, randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/home.ts';
import { createProxyRig, type ProxyRig, providerAt } from '../support/proxy-rig.ts';

let rig: ProxyRig;
beforeEach(async () => {
  rig = await createProxyRig();
});
afterEach(() => rig.stop());

const STREAMS = 8;
const EVENTS = 3_000;
/** Sizes (bytes) of words: most events are small, a few larger than one read. */
const sizeOf = (index: number) => (index % 500 === 0 ? 150_000 : index % 50 === 0 ? 12_000 : (index * 7) % 400);
const eventOf = (stream: number, index: number) =>
  `data: {"choices":[{"delta":{"content":"${`${stream}.${index} `.repeat(sizeOf(index) / 8)}"},"finish_reason":null}]}\n\n`;
const USAGE = { prompt_tokens: 70, completion_tokens: 30 };
/** What comes after the end is passed on too, when the row of the request is safe. */
const TAIL = ': a comment that nobody reads\n\n'.repeat(6_000);
const textOf = (stream: number) =>
  [
    ...Array.from({ length: EVENTS }, (_, index) => eventOf(stream, index)),
    `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: USAGE })}\n\n`,
    `data: [DONE]\n\n${TAIL}`,
  ].join('');

/** Cut wherever it comes to. */
function torn(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0)
    pieces.push(bytes.subarray(at, at + randomInt(1, randomInt(4) === 0 ? 100_000 : 3_000)));
  return pieces;
}

const hash = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

async function read(response: Response, isSlow: boolean): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    parts.push(part);
    for (let turn = 0; isSlow && turn < 20; turn += 1) await new Promise(setImmediate);
  }
  return Buffer.concat(parts);
}

describe('streams beside each other, in pieces of every size', () => {
  test('arrive byte for byte at slow readers and at quick ones, and in the recording', async () => {
    const texts = Array.from({ length: STREAMS }, (_, stream) => textOf(stream));
    rig.upstream.answer = (_request, response, body) => {
      const pieces = torn(Buffer.from(texts[Number(/stream (\d)/.exec(body)?.[1])] as string));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const push = () => {
        for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
          if (!response.write(piece)) return void response.once('drain', push);
          if (randomInt(5) === 0) return void setImmediate(push);
        }
        response.end();
      };
      push();
    };
    const token = rig.issue({ record: true });
    const answers = texts.map(async (_text, stream) => {
      // One of two asks for usage itself, so that nothing is looked for to be taken out.
      const options = stream % 2 === 0 ? {} : { stream_options: { include_usage: true } };
      const messages = [{ role: 'user', content: `stream ${stream}` }];
      const asked = { model: 'gpt-5.4', stream: true, messages, ...options };
      return read(await rig.post('/v1/chat/completions', asked, { token }), stream % 3 === 0);
    });
    for (const [stream, bytes] of (await Promise.all(answers)).entries())
      expect(hash(bytes), `stream ${stream}, ${bytes.length} bytes`).toBe(hash(texts[stream] as string));
    const rows = rig.rows();
    const exact = { outcome: 'ok', estimated: false, tokens: { input: 70, output: 30 } };
    expect(rows).toMatchObject(texts.map(() => exact));
    await rig.recorder.idle();
    const filter = { projectId: 'p', limit: 100 };
    await until('the recordings', async () => rig.recordings.list(filter).length === STREAMS);
    const recorded = rows.map(({ requestId }) => hash(rig.recordings.body('p', requestId)?.answer ?? ''));
    expect(recorded.toSorted()).toEqual(texts.map((text) => hash(text)).toSorted());
  });
});

test('a stream that nobody asked for is collected whole in another dialect', async () => {
  const words = Array.from({ length: 4_000 }, (_, index) => `word ${index} `);
  rig.upstream.answer = async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const word of words) {
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: word } }] })}\n\n`);
      if (word.endsWith('0 ')) await new Promise(setImmediate);
    }
    response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  };
  const messages = [{ role: 'user', content: 'hi' }];
  rig.issue();
  rig.setPolicy({ providers: [providerAt('openai', rig.upstream.url, { dialect: 'openai' })] });
  const response = await rig.post('/v1/messages', { model: 'openai/gpt-5.4', max_tokens: 10, messages });
  const { content } = (await response.json()) as { content: { text: string }[] };
  expect(content.map(({ text }) => hash(text))).toEqual([hash(words.join(''))]);
});

/** Embeddings asked for as OpenAI does and made by Google; the official SDK is the client. */
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProxyRig, PROVIDER_KEY, type ProxyRig, providerAt } from '../support/proxy-rig.ts';

const MODEL = 'gemini-embedding-001';
let rig: ProxyRig;
let token: string;

beforeAll(async () => {
  rig = await createProxyRig();
  token = rig.issue();
  rig.setPolicy({ providers: [providerAt('google', rig.upstream.url, { dialect: 'google', models: [MODEL] })] });
  rig.upstream.answer = (_request, response, body) => {
    const { requests } = JSON.parse(body) as { requests: unknown[] };
    const embeddings = requests.map((_, index) => ({ values: [index + 0.5, -0.25, 0.125] }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ embeddings }));
  };
});
afterAll(() => rig.stop());

const client = () => new OpenAI({ apiKey: token, baseURL: `${rig.url}/v1`, maxRetries: 0 });

test('texts go to Google in one call, and its vectors come back as the SDK reads them', async () => {
  const made = await client().embeddings.create({ model: MODEL, input: ['a', 'bb'], dimensions: 3 });
  expect(made.data.map(({ index, embedding }) => [index, [...embedding]])).toEqual([
    [0, [0.5, -0.25, 0.125]],
    [1, [1.5, -0.25, 0.125]],
  ]);
  expect(made.model).toBe(MODEL);
  expect(made.usage.prompt_tokens).toBeGreaterThan(0);
  const sent = rig.upstream.seen.at(-1);
  expect(sent?.url).toBe(`/v1beta/models/${MODEL}:batchEmbedContents`);
  expect(sent?.headers['x-goog-api-key']).toBe(PROVIDER_KEY);
  expect(sent?.headers.authorization).toBeUndefined();
  const part = (text: string) => ({
    model: `models/${MODEL}`,
    content: { parts: [{ text }] },
    outputDimensionality: 3,
  });
  expect(JSON.parse(sent?.body ?? '')).toEqual({ requests: [part('a'), part('bb')] });
  expect(rig.rows().at(-1)).toMatchObject({ provider: 'google', outcome: 'ok', estimated: true });
});

test('plain numbers are given to who asks for them; tokens cannot be embedded, and an error keeps its dialect', async () => {
  const plain = await rig.post('/v1/embeddings', { model: MODEL, input: 'a', encoding_format: 'float' }, { token });
  expect(((await plain.json()) as { data: unknown }).data).toEqual([
    { object: 'embedding', index: 0, embedding: [0.5, -0.25, 0.125] },
  ]);
  const tokens = await rig.post('/v1/embeddings', { model: MODEL, input: [1, 2, 3] }, { token });
  expect(tokens.status).toBe(400);
  expect(await tokens.text()).toContain('not tokens');
  rig.upstream.answer = (_request, response) =>
    void response
      .writeHead(400, { 'content-type': 'application/json' })
      .end('{"error":{"code":400,"message":"too long","status":"INVALID_ARGUMENT"}}');
  const refused = await client()
    .embeddings.create({ model: MODEL, input: 'a' })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 400, error: { message: 'too long', type: 'invalid_request_error' } });
});

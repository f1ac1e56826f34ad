/** Which call a request is, and what is read from its bytes. */
import { describe, expect, test } from 'vitest';
import { needsOf, readFields } from '../../../proxy/wire/fields.ts';
import { modelsBody } from '../../../proxy/wire/models.ts';
import { type Route, routeOf, wireOf } from '../../../proxy/wire/routes.ts';

const post = (url: string) => routeOf('POST', url, []);
const chat = post('/v1/chat/completions') as Route;

describe('routes', () => {
  test('every dialect has its calls, also below /proxy, and a query changes nothing', () => {
    expect(post('/v1/messages?beta=true')).toMatchObject({ wire: 'anthropic', call: 'generate', search: '?beta=true' });
    expect(post('/proxy/v1/messages/count_tokens')).toMatchObject({ wire: 'anthropic', call: 'count', metered: false });
    expect(post('/proxy/v1/chat/completions/')).toMatchObject({ wire: 'chat', call: 'generate', metered: true });
    expect(post('/v1/responses')).toMatchObject({ wire: 'responses', call: 'generate' });
    expect(post('/v1/embeddings')).toMatchObject({ wire: 'chat', call: 'embed' });
    expect(post('/proxy/v1beta/models/google/gemini-2.5-pro:streamGenerateContent?alt=sse&key=secret')).toEqual({
      wire: 'google',
      call: 'generate',
      path: '/v1beta/models/google/gemini-2.5-pro:streamGenerateContent',
      search: '?alt=sse',
      model: 'google/gemini-2.5-pro',
      stream: true,
      metered: true,
    });
    expect(post('/v1beta/models/m:countTokens')).toMatchObject({ call: 'count', stream: false });
    expect(post('/v1/nonsense')).toBeUndefined();
    expect(routeOf('GET', '/v1/messages', [])).toBeUndefined();
  });

  test('a list of models is answered in the dialect of who asks', () => {
    const known = [{ provider: 'openai', id: 'gpt-5.4' }];
    const ask = (url: string, fields: string[] = []) => {
      const route = routeOf('GET', url, fields) as Route;
      return JSON.parse(modelsBody(route, known) ?? 'null') as unknown;
    };
    expect(ask('/v1/models')).toMatchObject({ object: 'list', data: [{ id: 'openai/gpt-5.4', object: 'model' }] });
    expect(ask('/v1/models?limit=1000', ['anthropic-version', '2023-06-01'])).toMatchObject({
      has_more: false,
      data: [{ type: 'model', id: 'openai/gpt-5.4' }],
    });
    expect(ask('/v1beta/models')).toMatchObject({ models: [{ name: 'models/openai/gpt-5.4' }] });
    expect(ask('/v1/models/openai%2Fgpt-5.4')).toMatchObject({ id: 'openai/gpt-5.4' });
    expect(ask('/v1/models/none')).toBeNull();
  });

  test('what cannot be routed is still refused in the dialect of the client', () => {
    expect(wireOf('/v1/nonsense', ['anthropic-version', '1'])).toBe('anthropic');
    expect(wireOf('/proxy/v1beta/nonsense', [])).toBe('google');
    expect(wireOf('/v1/responses/x', [])).toBe('responses');
    expect(wireOf('/', [])).toBe('chat');
  });
});

describe('fields', () => {
  const read = (value: string | Buffer, route = chat) => readFields(route, Buffer.from(value));

  test('only the top level counts, and the last of two names', () => {
    expect(read('{"x":{"model":"no","stream":true},"model":"a","model":"b","max_completion_tokens":7}')).toMatchObject({
      model: 'b',
      stream: false,
      maxTokens: 7,
    });
  });

  test('Google names model and streaming in the path, the limit in its configuration', () => {
    const route = post('/v1beta/models/m:streamGenerateContent') as Route;
    expect(read('{"generationConfig":{"maxOutputTokens":9}}', route)).toMatchObject({
      model: 'm',
      stream: true,
      maxTokens: 9,
    });
  });

  test('garbage and invalid UTF-8 are refused with the reason', () => {
    expect(() => read('{"model":tru')).toThrow(SyntaxError);
    expect(() => read('[]')).toThrow('not a JSON object');
    expect(() => read('{}')).toThrow('"model" is missing');
    expect(() => read(Buffer.from([123, 34, 0xff, 34, 125]))).toThrow('UTF-8');
  });

  test('needs are read from the bytes of every dialect', () => {
    const google = post('/v1beta/models/m:generateContent') as Route;
    const needs = (text: string, route: Route) => needsOf(read(text, route), Buffer.from(text));
    expect(needs('{"model":"m","tools":[],"messages":[]}', chat)).toEqual({ tools: true, images: false });
    const inline = '{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png"},"x":{"tools":1}}]}]}';
    expect(needs(inline, google)).toEqual({ tools: false, images: true });
  });
});

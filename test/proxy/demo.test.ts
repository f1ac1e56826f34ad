/** The scripted provider, asked by the official SDKs in every dialect. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDemoProvider, type DemoProvider } from '../../proxy/demo/server.ts';
import { makeCall } from '../../proxy/demo/tools.ts';
import { script } from '../support/home.ts';
import { anthropicClient, chatClient, googleClient, responsesClient } from '../support/sdk-clients.ts';

let demo: DemoProvider;
beforeAll(async () => {
  demo = await createDemoProvider({ port: 0 });
});
afterAll(() => demo.stop());

const claude = () => new Anthropic({ baseURL: demo.url, apiKey: 'x', maxRetries: 0 });
const openai = () => new OpenAI({ baseURL: `${demo.url}/v1`, apiKey: 'x', maxRetries: 0 });
const ask = (lines: string[], tools: string[] = []) => ({
  model: 'demo-small',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: script(...lines) }],
  tools: tools.map((name) => ({ name, input_schema: { type: 'object' as const } })),
});

describe('every dialect', () => {
  test.each([
    ['anthropic', anthropicClient],
    ['chat', chatClient],
    ['responses', responsesClient],
    ['google', googleClient],
  ])('%s: thoughts, text and usage, whole and streamed', async (_name, make) => {
    for (const stream of [false, true]) {
      const said = await make(demo.url).ask(stream);
      expect(said.text).toBe('You said: Look at this.');
      expect(said.thought).toBe('I only repeat it.');
      expect(said.usage.input).toBeGreaterThan(50);
      expect(said.usage.output).toBeGreaterThan(5);
    }
  });

  test('several calls in one turn, then the next step of the script', async () => {
    const request = ask(['think: two at once', 'bash: ls', '+ read: a.txt', 'say: both done'], ['Bash', 'Read']);
    const first = await claude().messages.stream(request).finalMessage();
    const calls = first.content.filter((block) => block.type === 'tool_use');
    expect(calls.map(({ name, input }) => [name, input])).toEqual([
      ['Bash', { command: 'ls' }],
      ['Read', { path: 'a.txt' }],
    ]);
    expect(first.stop_reason).toBe('tool_use');
    const second = await claude().messages.create({
      ...request,
      messages: [
        ...request.messages,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: calls.map((call) => ({ type: 'tool_result' as const, tool_use_id: call.id, content: 'ok' })),
        },
      ],
    });
    expect(second.content).toMatchObject([{ type: 'text', text: 'both done' }]);
    expect(second.usage.cache_read_input_tokens).toBeGreaterThan(0);
  });

  test('models, counts and embeddings', async () => {
    expect((await claude().models.list()).data.map((model) => model.id)).toContain('demo/demo-small');
    expect((await openai().models.list()).data.map((model) => model.id)).toContain('demo/demo-large');
    const { messages } = ask([]);
    expect((await claude().messages.countTokens({ model: 'demo-small', messages })).input_tokens).toBeGreaterThan(5);
    const made = await openai().embeddings.create({ model: 'demo-small', input: ['a', 'bb'] });
    expect(made.data.map((each) => each.embedding.length)).toEqual([8, 8]);
  });
});

describe('faults', () => {
  test('an error status comes in the dialect of the client, with its Retry-After', async () => {
    const refused = await claude()
      .messages.create(ask(['error: 529 3']))
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 529, error: { error: { type: 'overloaded_error' } } });
    expect((refused as InstanceType<typeof Anthropic.APIError>).headers?.get('retry-after')).toBe('3');
    const asked = openai().chat.completions.create({ model: 'demo-small', messages: ask(['error: 500']).messages });
    await expect(asked).rejects.toMatchObject({ status: 500, message: expect.stringContaining('Scripted error 500') });
  });

  test.each([['cut'], ['fail: overloaded now']])('%s: a streamed answer ends with an error', async (line) => {
    await expect(
      claude()
        .messages.stream(ask([line]))
        .finalMessage(),
    ).rejects.toThrow();
    const events = await openai().responses.create({ model: 'demo-small', stream: true, input: script(line) });
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const event of events) seen.push(event.type);
        if (seen.includes('error')) throw new Error('said so');
      })(),
    ).rejects.toThrow();
    expect(seen).not.toContain('response.completed');
  });

  test('length, refusal and missing counts are told as each dialect tells them', async () => {
    expect((await claude().messages.create(ask(['length']))).stop_reason).toBe('max_tokens');
    expect((await claude().messages.create(ask(['refuse']))).stop_reason).toBe('refusal');
    const cut = await openai().responses.create({ model: 'demo-small', input: script('length') });
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    const { messages } = ask(['uncounted: hello']);
    const said = await openai().chat.completions.create({ model: 'demo-small', messages });
    expect(said.usage?.total_tokens).toBe(0);
  });

  test('stall and hang stay connected until the client goes', async () => {
    for (const line of ['stall', 'hang']) {
      const abort = new AbortController();
      const stream = claude().messages.stream(ask([line]), { signal: abort.signal });
      const over = stream.done().catch((error: unknown) => error);
      if (line === 'stall') await new Promise((resolve) => stream.once('streamEvent', resolve));
      abort.abort();
      expect(await over).toBeInstanceOf(Error);
    }
  });
});

describe('tools', () => {
  const tool = (name: string, properties: object, required: string[] = []) => ({
    name,
    schema: { type: 'object', properties, required },
  });

  test('are called as the agent at hand names them', () => {
    const write = { tool: 'write', path: 'd/a.txt', content: "it's" } as const;
    expect(makeCall([tool('Write', { file_path: {}, content: {} })], write)).toEqual({
      name: 'Write',
      input: { file_path: 'd/a.txt', content: "it's" },
    });
    const list = { cmd: { type: 'array' }, timeout: { type: 'number' } };
    expect(makeCall([tool('exec_command', list, ['cmd', 'timeout'])], { tool: 'bash', command: 'ls' })).toEqual({
      name: 'exec_command',
      input: { cmd: ['bash', '-lc', 'ls'], timeout: 0 },
    });
    expect(makeCall([tool('shell', {})], write)?.input).toEqual({
      command: "mkdir -p 'd/' && printf %s 'it'\\''s' > 'd/a.txt'",
    });
    expect(makeCall([], write)).toBeUndefined();
  });
});

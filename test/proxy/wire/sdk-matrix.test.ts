/** Every official SDK through the proxy to a provider of every dialect: what was said is what is understood. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Provider } from '../../../src/costs/schema.ts';
import { createScriptedUpstream, SAID, type Upstream } from '../../support/scripted-upstream.ts';
import {
  anthropicClient,
  chatClient,
  googleClient,
  RESULTS,
  responsesClient,
  type SdkClient,
} from '../../support/sdk-clients.ts';
import { createWireRig, type WireRig } from '../../support/wire-rig.ts';

const CLIENTS: Readonly<Record<string, { make: (url: string) => SdkClient; stop: string }>> = {
  anthropic: { make: anthropicClient, stop: 'tool_use' },
  chat: { make: chatClient, stop: 'tool_calls' },
  responses: { make: responsesClient, stop: 'completed' },
  google: { make: googleClient, stop: 'STOP' },
};
const PROVIDERS: Readonly<Record<string, Pick<Provider, 'dialect' | 'api'>>> = {
  anthropic: { dialect: 'anthropic', api: ['chat'] },
  chat: { dialect: 'openai', api: ['chat'] },
  responses: { dialect: 'openai', api: ['responses'] },
  google: { dialect: 'google', api: ['chat'] },
};
const PAIRS = Object.keys(CLIENTS).flatMap((client) =>
  Object.keys(PROVIDERS).map((provider) => [client, provider] as const),
);

let upstream: Upstream;
let rig: WireRig;
let target = 'anthropic';

beforeAll(async () => {
  upstream = await createScriptedUpstream();
  rig = await createWireRig(() => ({
    id: 'upstream',
    baseUrl: upstream.url,
    keys: [],
    headers: {},
    models: [],
    ...(PROVIDERS[target] as Pick<Provider, 'dialect' | 'api'>),
  }));
});
afterAll(async () => {
  await rig.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.seen.length = 0;
  rig.results.length = 0;
});

/** Every text, name and number anywhere in a document. */
function leaves(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leaves);
  return [String(value)];
}

describe.each(PAIRS)('%s client, %s provider', (client, provider) => {
  const made = CLIENTS[client] as (typeof CLIENTS)[string];

  test.each([false, true])('understands the answer (streamed: %s)', async (stream) => {
    target = provider;
    const understood = await made.make(rig.url).ask(stream);
    expect(understood).toEqual({
      thought: SAID.thought,
      text: SAID.text,
      calls: SAID.calls,
      stop: made.stop,
      usage: { input: 100, cached: 60, output: 20 },
    });
    const sent = JSON.stringify(upstream.seen[0]?.body);
    for (const word of ['Be brief.', 'Look at this.', 'iVBORw0KGgo', 'The bash tool', '4000'])
      expect(sent).toContain(word);
    expect(rig.results[0]).toMatchObject({ outcome: 'ok', reading: { exact: true, stopReason: 'tool' } });
    const { input, cacheRead, output, reasoning } = rig.results[0]?.reading?.tokens ?? {};
    expect({ input, cacheRead, output: (output ?? 0) + (reasoning ?? 0) }).toEqual({
      input: 40,
      cacheRead: 60,
      output: 20,
    });
  });

  test('results of both calls come back under the right call, and the thought to who thought it', async () => {
    target = provider;
    await made.make(rig.url).goOn();
    const body = upstream.seen[1]?.body;
    const said = leaves(body);
    for (const word of [...RESULTS, SAID.text, 'read', 'bash']) expect(said).toContain(word);
    expect(said.indexOf(RESULTS[0])).toBeLessThan(said.indexOf(RESULTS[1]));
    const sent = JSON.stringify(body);
    expect(sent).not.toContain('godel.');
    const proof = { anthropic: 'SIG-A', responses: 'ENC-O', google: 'SIG-G', chat: undefined }[provider];
    // Chat completions have no place for a signature, but Google's own.
    if (proof !== undefined && (client !== 'chat' || provider === 'google')) expect(sent).toContain(proof);
  });
});

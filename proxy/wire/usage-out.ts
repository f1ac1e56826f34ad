/** Godel's disjoint token counts as each dialect tells them. Pure. */
import type { TokenUse } from '../../src/costs/schema.ts';
import { sums } from './answer.ts';
import type { Json } from './wire.ts';

export function anthropicUsage(use: TokenUse): Json {
  const { output, written } = sums(use);
  return {
    input_tokens: use.input,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: use.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: use.cacheWrite5m, ephemeral_1h_input_tokens: use.cacheWrite1h },
    output_tokens: output,
  };
}

export function chatUsage(use: TokenUse): Json {
  const { input, output } = sums(use);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: use.cacheRead },
    completion_tokens_details: { reasoning_tokens: use.reasoning },
  };
}

export function responsesUsage(use: TokenUse): Json {
  const { input, output } = sums(use);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: use.cacheRead },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: use.reasoning },
    total_tokens: input + output,
  };
}

export function googleUsage(use: TokenUse): Json {
  const { input, output } = sums(use);
  return {
    promptTokenCount: input,
    ...(use.cacheRead > 0 ? { cachedContentTokenCount: use.cacheRead } : {}),
    candidatesTokenCount: use.output,
    ...(use.reasoning > 0 ? { thoughtsTokenCount: use.reasoning } : {}),
    totalTokenCount: input + output,
  };
}

/** How much thinking is asked for: some dialects say an effort, others a number of tokens. Pure. */
import type { Effort, Thinking } from './neutral.ts';

const BUDGETS: readonly (readonly [Effort, number])[] = [
  ['none', 0],
  ['minimal', 1024],
  ['low', 2048],
  ['medium', 8192],
  ['high', 24_576],
  ['xhigh', 32_768],
  ['max', 65_536],
];

export function effortOf(thinking: Thinking): Effort | undefined {
  if (thinking.effort !== undefined) return thinking.effort;
  const { budget } = thinking;
  if (budget === undefined || budget < 0) return undefined;
  return BUDGETS.find(([, most]) => budget <= most)?.[0] ?? 'max';
}

/** Undefined when the model shall decide. */
export function budgetOf(thinking: Thinking): number | undefined {
  if (thinking.budget !== undefined) return thinking.budget < 0 ? undefined : thinking.budget;
  return BUDGETS.find(([effort]) => effort === thinking.effort)?.[1];
}

export function asEffort(value: unknown): Effort | undefined {
  return BUDGETS.find(([effort]) => effort === value)?.[0];
}

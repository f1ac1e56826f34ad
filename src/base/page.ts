/** Lists: cursor pagination in the form `{ items, pagination }`. */
import { z } from 'zod';

export const pageInput = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most items to return'),
  cursor: z.string().optional().describe('Continue after this cursor of an earlier answer'),
};

/** Schema of one page of `item`. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    pagination: z.object({
      limit: z.number().int(),
      cursor: z.string().optional(),
      hasMore: z.boolean(),
    }),
  });
}

export interface Page<T> {
  items: T[];
  pagination: { limit: number; cursor?: string; hasMore: boolean };
}

/** Cuts `rows` (fetched with limit + 1) to a page; `cursorOf` names the last row kept. */
export function toPage<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit;
  if (!hasMore || last === undefined) return { items, pagination: { limit, hasMore } };
  return { items, pagination: { limit, hasMore, cursor: cursorOf(last) } };
}

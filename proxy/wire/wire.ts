/** The four dialects, and what every one of them has to offer. */

export type Wire = 'anthropic' | 'chat' | 'responses' | 'google';

export type Json = Record<string, unknown>;

export const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
export const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : []);
export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 ? Math.round(value) : undefined;

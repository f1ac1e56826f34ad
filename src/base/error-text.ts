/** How values of a refusal read in its sentence. */
import type { ErrorParams } from './error.ts';

export const p = (params: ErrorParams, key: string): string => String(params[key] ?? '');
export const list = (params: ErrorParams, key: string): string => {
  const value = params[key];
  return Array.isArray(value) ? value.join(', ') : p(params, key);
};

/** `a waits for b waits for a` */
export const way = (params: ErrorParams): string =>
  Array.isArray(params.cycle) ? params.cycle.join(` ${p(params, 'relation')} `) : '';

/** The last thing a command said, when it said something. */
export const said = (params: ErrorParams) => (p(params, 'lastWords') === '' ? '' : `: ${p(params, 'lastWords')}`);

export function whoHolds(params: ErrorParams): string {
  const holder = p(params, 'holder');
  if (holder !== '') return `${holder} holds it now.`;
  const at = p(params, 'expiredAt');
  return at === '' ? 'Nobody holds it now.' : `Your lease ran out at ${at}; nobody holds it now.`;
}

/** The message of each refused bead of a bulk change. */
export function refusalsText(params: ErrorParams): string {
  const refusals = Array.isArray(params.refusals) ? (params.refusals as { message?: unknown }[]) : [];
  return refusals.map((refusal) => String(refusal.message ?? '')).join(' ');
}

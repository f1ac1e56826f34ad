/** GET /proxy/v1/usage and /audit on the daemon's own port, for people and agents it knows; the proxy itself knows virtual keys only. */
import { z } from 'zod';
import { isReport, logEntryOf, reportQuerySchema } from '../../proxy/public-reports.ts';
import { failure } from '../errors.ts';
import type { ProxyClient } from './proxy-client.ts';

/** @throws GodelError bad-input, proxy-down */
export async function reportOf(client: Pick<ProxyClient, 'usage' | 'entries'>, url: string): Promise<unknown> {
  if (!isReport(url)) return undefined;
  const { pathname, searchParams } = new URL(url, 'http://godel');
  const parsed = reportQuerySchema.safeParse(Object.fromEntries(searchParams));
  if (!parsed.success) throw failure('bad-input', { problem: z.prettifyError(parsed.error) });
  const { by, limit, cursor, ...filter } = parsed.data;
  if (pathname.endsWith('/usage')) return client.usage({ ...filter, by });
  const page = await client.entries({ ...filter, limit, cursor, newest: true });
  return { logs: page.items.map(logEntryOf), total: page.total, cursor: page.cursor ?? null };
}

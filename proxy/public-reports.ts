/** GET /proxy/v1/usage and /proxy/v1/audit (spec-v3 section 6.2): what was spent, and every request. */
import { z } from 'zod';
import { dimensionSchema, type LedgerEntry, type LedgerFilter, ledgerFilterSchema } from '../src/costs/schema.ts';
import type { Answer } from './http/answer.ts';
import type { ReportReader } from './report-reader.ts';

const REPORT = /^(\/proxy)?\/v1\/(usage|audit)(\?|$)/;

export const reportQuerySchema = ledgerFilterSchema.extend({
  by: z
    .string()
    .optional()
    .transform((text) => (text ? text.split(',') : []))
    .pipe(z.array(dimensionSchema)),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional(),
});

export const isReport = (url: string) => REPORT.test(url);

/** A row in the words of the specification, with everything else that is known. */
export function logEntryOf(entry: LedgerEntry): object {
  const { tokens, costNano } = entry;
  return {
    ...entry,
    timestamp: entry.at,
    inputTokens: tokens.input + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h,
    outputTokens: tokens.output + tokens.reasoning,
    cost: costNano === null ? null : costNano / 1e9,
    latency: entry.latencyMs,
    success: entry.outcome === 'ok',
  };
}

/** Answers with what `own` lets through; a filter of the client can only narrow it. */
export async function answerReport(
  reports: ReportReader,
  url: URL,
  own: LedgerFilter,
  response: Answer,
): Promise<void> {
  const send = (status: number, body: unknown) =>
    response.writeHead(status, ['content-type', 'application/json']).end(Buffer.from(JSON.stringify(body)));
  const query = reportQuerySchema.safeParse(Object.fromEntries(url.searchParams));
  if (!query.success) {
    const message = query.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    return send(400, { error: { type: 'invalid_request_error', message } });
  }
  const { by, limit, cursor, ...filter } = query.data;
  if (url.pathname.endsWith('/usage')) return send(200, await reports.usage({ ...filter, ...own, by }));
  const page = await reports.entries({ ...filter, ...own, limit, cursor, newest: true });
  return send(200, { logs: page.items.map(logEntryOf), total: page.total, cursor: page.cursor ?? null });
}

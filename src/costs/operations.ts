/** What was spent. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { usageReportSchema } from './schema.ts';

export const costOperations = {
  costShow: operation({
    name: 'cost show',
    aliases: ['cost'],
    http: { method: 'GET', path: '/costs' },
    summary: 'Show what was spent in this project',
    input: z.object({
      agent: z.string().optional().describe('Only this agent'),
      bead: z.string().optional().describe('Only this bead'),
      since: z.string().optional().describe('ISO date or time'),
    }),
    output: usageReportSchema,
    permission: 'cost:read',
    scope: 'project',
    examples: ['godel cost', 'godel cost --bead godel-abc12 --json'],
    text: (report) => {
      const rows = [
        ...Object.entries(report.byAgent).map(([name, usd]) => ['agent', name, `$${usd.toFixed(6)}`]),
        ...Object.entries(report.byBead).map(([name, usd]) => ['bead', name, `$${usd.toFixed(6)}`]),
        ...Object.entries(report.byModel).map(([name, usd]) => ['model', name, `$${usd.toFixed(6)}`]),
      ];
      const unpriced = report.unpriced > 0 ? `, ${report.unpriced} without a known price` : '';
      const head = `$${report.totalCost.toFixed(6)} for ${report.requests} requests${unpriced}`;
      return rows.length > 0 ? `${head}\n\n${table(['BY', 'NAME', 'COST'], rows)}` : head;
    },
  }),
} as const;

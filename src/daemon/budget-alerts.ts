/** Tells of budgets: each share that is reached once a period, whatever restarts in between, and that there is room again. */
import { messageOf } from '../base/error.ts';
import type { BudgetNotice } from '../costs/schema.ts';
import type { Core } from './core.ts';

/** What an event says of where it belongs. */
function metadataOf({ budget }: BudgetNotice): Record<string, string> {
  const field = { project: 'projectId', bead: 'beadId', agent: 'agentId', user: 'userId' }[budget.scope as string];
  return field === undefined ? {} : { [field]: budget.subject };
}

export function createBudgetAlerts({ core }: { core: Pick<Core, 'units' | 'log'> }): (notice: BudgetNotice) => void {
  const { units, log } = core;

  async function tell(notice: BudgetNotice): Promise<void> {
    const { budget, reached, period } = notice;
    const metadata = metadataOf(notice);
    await units.run(async (unit) => {
      const base = { component: 'costs', metadata };
      if (reached === 0) return unit.emit({ ...base, type: 'budget:reopened', payload: { budget } });
      // A budget that was set anew may be reached anew.
      const id = [budget.scope, budget.subject, budget.period, period, budget.limitNano, reached].join(' ');
      const { numInsertedOrUpdatedRows } = await unit.tx
        .insertInto('budget_alerts')
        .values({ id, at: unit.now })
        .onConflict((c) => c.column('id').doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 0n) return;
      await unit.emit({ ...base, type: 'budget:alert', payload: { budget, reached, period } });
    });
  }

  return (notice) =>
    void tell(notice).catch((error: unknown) =>
      log.error({ problem: messageOf(error) }, 'a budget alert was not told'),
    );
}

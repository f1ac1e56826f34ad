/** What the daemon does when money moves: alerts, parked agents, and a configuration that was edited by hand. */
import type { Activity, BudgetNotice } from '../costs/schema.ts';
import { createBudgetAlerts } from './budget-alerts.ts';
import { startConfigWatch } from './config-watch.ts';
import type { Core } from './core.ts';
import { createParking, type ParkingOptions } from './parking.ts';

export interface MoneyWatch {
  onActivity(activity: Activity): void;
  onNotice(notice: BudgetNotice): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createMoneyWatch(options: {
  core: Core;
  parts: ParkingOptions['parts'];
  /** Tells the proxy its policy again. */
  refresh: () => Promise<void>;
}): MoneyWatch {
  const { core, parts, refresh } = options;
  const alerts = createBudgetAlerts({ core });
  const parking = createParking({ core, parts });
  let config: { stop(): Promise<void> } | undefined;
  return {
    onActivity: parking.activity,
    onNotice(notice) {
      alerts(notice);
      parking.notice(notice);
    },
    async start() {
      await parking.start();
      config = startConfigWatch({ file: core.paths.configFile, changed: refresh, log: core.log });
    },
    async stop() {
      await config?.stop();
      await parking.stop();
    },
  };
}

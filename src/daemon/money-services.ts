/** Handlers for costs, budgets, providers, secrets and virtual keys. */
import { hashToken, newToken } from '../access/tokens.ts';
import { resolveAgent } from '../agents/store.ts';
import { resolveBead } from '../beads/store.ts';
import { resolveConvoy } from '../convoys/store.ts';
import { createCostService } from '../costs/service.ts';
import type { RepoService } from '../repos/service.ts';
import { createSecretService } from '../secrets/service.ts';
import type { Core } from './core.ts';
import type { ProxyProcess } from './proxy-process.ts';

export function createMoneyServices(options: { core: Core; repos: RepoService; proxy: ProxyProcess }) {
  const { core, repos, proxy } = options;
  const { db } = core.database;
  const resolve = {
    async agent(projectId: string, text: string) {
      const { id, name } = await resolveAgent(db, projectId, text);
      return { id, label: name };
    },
    async bead(projectId: string, text: string) {
      const { id } = await resolveBead(db, projectId, text);
      return { id, label: id };
    },
    async convoy(projectId: string, text: string) {
      const { id, name } = await resolveConvoy(db, projectId, text);
      return { id, label: name };
    },
    async project(projectId: string) {
      const { id, name } = await repos.project(projectId);
      return { id, label: name };
    },
  };
  const costs = createCostService({ proxy: proxy.client, resolve, now: core.clock.now });
  const secrets = createSecretService({
    keeper: core.keeper,
    proxy: proxy.client,
    units: core.units,
    changed: () => proxy.refresh(),
    newKey() {
      const key = newToken('virtual');
      return { key, hash: hashToken(key) };
    },
    proxyUrl: () => proxy.url(),
    resolve,
    now: core.clock.now,
  });
  return { ...costs, ...secrets };
}

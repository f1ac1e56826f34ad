/** What `/health` asks of every part. */

import { allProjects } from '../repos/store.ts';
import { readRef } from '../storage/state-ref/read.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';
import type { Probe } from './health.ts';
import type { ProxyProcess } from './proxy-process.ts';

/** A change that is not in git after this time (ms) means that something is wrong with the repository. */
const BACKLOG_LIMIT_MS = 5_000;

export function probesOf({
  core,
  parts,
  proxy,
}: {
  core: Core;
  parts: AgentParts;
  proxy: ProxyProcess;
}): Record<string, Probe> {
  return {
    database: {
      ready: true,
      async check() {
        await core.database.ping();
        return undefined;
      },
    },
    git: {
      ready: true,
      degraded: true,
      async check() {
        const { rows, oldestMs } = core.sync.backlog();
        if (oldestMs > BACKLOG_LIMIT_MS)
          throw new Error(`${rows} changes wait for git, the oldest for ${Math.round(oldestMs / 1000)} s`);
        const [project] = await allProjects(core.database.db);
        if (project) await readRef(project.gitDir);
        return rows > 0 ? `${rows} changes on their way` : undefined;
      },
    },
    tmux: {
      degraded: true,
      async check() {
        const { text } = await parts.tmux.version();
        await parts.tmux.tmux('display-message', '-p', 'ok');
        return `tmux ${text}`;
      },
    },
    proxy: {
      degraded: true,
      async check() {
        const status = await proxy.client.status(2_000);
        if (!status.ledgerOk) throw new Error('its ledger cannot be written');
        return `pid ${status.pid}, port ${status.port}`;
      },
    },
  };
}

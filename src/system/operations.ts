/** What can be asked of the daemon itself. */
import { z } from 'zod';
import { eventSchema } from '../base/event.ts';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { table } from '../base/table.ts';
import { boardRoute } from './board-route.ts';
import { daemonStatusSchema, settingSchema, snapshotSchema } from './schema.ts';

export const systemOperations = {
  systemStatus: operation({
    name: 'system status',
    aliases: ['status'],
    http: { method: 'GET', path: '/status' },
    summary: 'Show the daemon, its parts and their health',
    input: z.object({}),
    output: daemonStatusSchema,
    permission: 'system:read',
    scope: 'home',
    examples: ['godel status'],
    text: (status) =>
      [
        `daemon      ${status.health.status}, pid ${status.pid}, version ${status.version}${status.restarts > 0 ? `, started again ${status.restarts} times` : ''}`,
        `home        ${status.home}`,
        `api         ${status.url}`,
        `proxy       ${status.proxyUrl ?? 'down'}${status.proxyPid ? `, pid ${status.proxyPid}` : ''}`,
        `projects    ${status.projects}`,
        `agents      ${status.agents} running`,
        ...Object.entries(status.health.checks).map(
          ([name, check]) => `${name.padEnd(11)} ${check.status}${check.detail ? ` (${check.detail})` : ''}`,
        ),
      ].join('\n'),
  }),
  boardShow: operation({
    name: 'board show',
    http: { method: 'GET', path: '/board' },
    summary: 'Read everything the board draws, at one moment',
    input: z.object({}),
    output: snapshotSchema,
    permission: 'bead:read',
    scope: 'project',
    examples: ['godel board show --json'],
  }),
  boardOpen: operation({
    name: 'board open',
    http: boardRoute,
    summary: 'Prepare the screen and tell the command that attaches to it',
    input: z.object({
      columns: z.coerce.number().int().min(1).max(2000).default(200),
      rows: z.coerce.number().int().min(1).max(2000).default(50),
    }),
    output: z.object({ command: z.array(z.string()) }),
    permission: 'board:open',
    scope: 'project',
    examples: ['godel'],
    text: ({ command }) => command.join(' '),
  }),
  boardFocus: operation({
    name: 'board focus',
    http: { method: 'POST', path: '/board/focus' },
    summary: 'Bring an agent to the front of the screen, or the board itself',
    input: z.object({
      agent: z.string().optional().describe('Agent name or id; the board when left out'),
      waiting: z.boolean().default(false).describe('The agent that has waited for you the longest'),
    }),
    output: z.object({ focused: z.string() }),
    permission: 'board:open',
    args: ['agent'],
    scope: 'project',
    examples: ['godel board focus worker-1'],
    text: ({ focused }) => `Focused ${focused}`,
  }),
  boardPopup: operation({
    name: 'board popup',
    http: { method: 'POST', path: '/board/popup' },
    summary: 'Open a popup over the screen',
    input: z.object({ kind: z.enum(['review']), bead: z.string() }),
    output: z.object({ opened: z.boolean() }),
    permission: 'board:open',
    args: ['kind', 'bead'],
    scope: 'project',
    examples: ['godel board popup review godel-abc12'],
  }),
  eventList: operation({
    name: 'event list',
    aliases: ['events'],
    http: { method: 'GET', path: '/events' },
    summary: 'List what happened',
    input: z.object({
      since: z.coerce.number().int().min(0).default(0).describe('Only events after this sequence number'),
      type: z.string().optional().describe('Pattern such as bead:* or agent:start'),
      ...pageInput,
    }),
    output: pageOf(eventSchema),
    permission: 'event:read',
    scope: 'home',
    examples: ['godel events --type "agent:*"'],
    text: (page) =>
      table(
        ['SEQ', 'TIME', 'TYPE', 'ABOUT'],
        page.items.map((event) => [
          String(event.seq),
          new Date(event.timestamp).toISOString(),
          event.type,
          event.metadata.beadId ?? event.metadata.agentId ?? '',
        ]),
      ),
  }),
  configShow: operation({
    name: 'config show',
    http: { method: 'GET', path: '/config' },
    summary: 'Show every setting and where it comes from',
    input: z.object({
      origin: z.stringbool().or(z.boolean()).default(false).describe('Show where each value comes from'),
    }),
    output: z.object({ items: z.array(settingSchema), origin: z.boolean() }),
    permission: 'config:read',
    scope: 'home',
    examples: ['godel config show --origin'],
    text: ({ items, origin }) =>
      table(
        origin ? ['SETTING', 'VALUE', 'ORIGIN'] : ['SETTING', 'VALUE'],
        items.map((item) => [item.key, JSON.stringify(item.value) ?? '-', ...(origin ? [item.origin] : [])]),
      ),
  }),
  configSet: operation({
    name: 'config set',
    http: { method: 'PUT', path: '/config/:key' },
    summary: 'Change a setting in .godel/config.yaml of the project, or of the user with --user',
    input: z.object({
      key: z.string(),
      value: z.string(),
      user: z.boolean().default(false).describe('Write the file of the user instead of the project'),
    }),
    output: settingSchema,
    permission: 'config:update',
    args: ['key', 'value'],
    scope: 'home',
    examples: ['godel config set proof_command "npm test"'],
    text: (setting) => `${setting.key} = ${JSON.stringify(setting.value)} (${setting.origin})`,
  }),
} as const;

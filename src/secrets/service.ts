/** Handlers for secrets and virtual keys. Values come in and never go out, but for a new virtual key, once. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { momentAhead } from '../costs/period.ts';
import type { VirtualKey } from '../costs/schema.ts';
import { failure } from '../errors.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import type { Keeper } from './keeper.ts';
import type { secretOperations } from './operations.ts';
import type { KeyInfo } from './schema.ts';

export interface KeyProxy {
  putKey(key: VirtualKey): Promise<void>;
  keys(): Promise<VirtualKey[]>;
  revokeKey(hash: string): Promise<boolean>;
}

export interface SecretServiceOptions {
  keeper: Keeper;
  proxy: KeyProxy;
  units: UnitOfWork;
  /** The proxy learns of changed provider keys. */
  changed: () => Promise<void>;
  newKey: () => { key: string; hash: string };
  proxyUrl: () => string;
  resolve: {
    agent(projectId: string, text: string): Promise<{ id: string; label: string }>;
    bead(projectId: string, text: string): Promise<{ id: string }>;
    convoy(projectId: string, text: string): Promise<{ id: string }>;
  };
  now: () => number;
}

type Service = Handlers<typeof secretOperations>;

const NANO = 1_000_000_000;
const ID_DIGITS = 12;

function infoOf(key: VirtualKey): KeyInfo {
  const { hash, name, agentName, projectId, beadId, convoyId, userId, models, expiresAt, createdAt } = key;
  const id = hash.slice(0, ID_DIGITS);
  return { id, name, agentName, projectId, beadId, convoyId, userId, models, expiresAt, createdAt };
}

export function createSecretService(options: SecretServiceOptions): Service {
  const { keeper, proxy, units, resolve, now } = options;

  /** Who did what with which secret is in the event log; its value never is. */
  async function record(action: string, name: string, { actor }: RequestContext): Promise<void> {
    await units.run((unit) =>
      unit.emit({
        type: 'secret:changed',
        component: 'secrets',
        payload: { name, action, actor: actor.name },
        metadata: { userId: actor.id },
      }),
    );
    await options.changed();
  }

  async function change(action: 'set' | 'rotated', input: { name: string; value: string }, context: RequestContext) {
    const info = await keeper.put(input.name, input.value, action === 'rotated');
    await record(action, input.name, context);
    return info;
  }

  async function findKey(id: string): Promise<VirtualKey> {
    const keys = await proxy.keys();
    const found = keys.filter((key) => key.name === id || (id.length >= 4 && key.hash.startsWith(id)));
    const [only] = found;
    if (!only) throw failure('key-unknown', { id });
    if (found.length > 1)
      throw failure('ambiguous-id', { id, matches: found.map((key) => key.hash.slice(0, ID_DIGITS)) });
    return only;
  }

  type KeyInput = Parameters<Service['keyCreate']>[0];

  async function subjectsOf(input: KeyInput, { projectId, actor }: RequestContext): Promise<Partial<VirtualKey>> {
    const agent = input.agent === undefined ? undefined : await resolve.agent(projectId, input.agent);
    return {
      ...(agent ? { agentId: agent.id, agentName: agent.label } : {}),
      ...(input.bead === undefined ? {} : { beadId: (await resolve.bead(projectId, input.bead)).id }),
      ...(input.convoy === undefined ? {} : { convoyId: (await resolve.convoy(projectId, input.convoy)).id }),
      ...(input.team === undefined ? {} : { teamId: input.team }),
      userId: input.user ?? actor.id,
      ...(input.models.length === 0 ? {} : { models: input.models }),
      ...(input.expires === undefined ? {} : { expiresAt: momentAhead(input.expires, now()) }),
      ...(input.budget === undefined ? {} : { budgetNano: Math.round(input.budget * NANO) }),
    };
  }

  return {
    secretSet: (input, context) => change('set', input, context),
    secretRotate: (input, context) => change('rotated', input, context),
    secretList: async () => ({ items: keeper.list(), store: keeper.store() }),
    async secretDelete(input, context) {
      await keeper.remove(input.name);
      await record('deleted', input.name, context);
      return { deleted: input.name };
    },
    async secretRekey(_input, context) {
      const secrets = await keeper.rekey();
      await record('encrypted again', '*', context);
      return { secrets };
    },
    async keyCreate(input, context) {
      const known = await proxy.keys();
      if (known.some((key) => key.name === input.name)) throw failure('name-taken', { name: input.name });
      const { key, hash } = options.newKey();
      const made: VirtualKey = {
        hash,
        name: input.name,
        projectId: context.projectId,
        createdAt: new Date(now()).toISOString(),
        ...(await subjectsOf(input, context)),
      };
      await proxy.putKey(made);
      return { ...infoOf(made), key, url: options.proxyUrl() };
    },
    keyList: async () => ({ items: (await proxy.keys()).map(infoOf) }),
    async keyRevoke(input) {
      const key = await findKey(input.id);
      await proxy.revokeKey(key.hash);
      return { revoked: key.name ?? key.hash.slice(0, ID_DIGITS) };
    },
  };
}

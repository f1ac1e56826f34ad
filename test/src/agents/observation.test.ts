/** A verdict is written on what is stored, also when somebody else changed the agent since it was told of. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changeAgent, loadAgent } from '../../../src/agents/changes.ts';
import { createObservation, type Observation } from '../../../src/agents/observation.ts';
import type { Agent } from '../../../src/agents/schema.ts';
import { findAgent } from '../../../src/agents/store.ts';
import { addAgentRow } from '../../support/agent-row.ts';
import { createGraphHome, type GraphHome } from '../../support/graph-home.ts';

let home: GraphHome;
let told: Agent;
let observation: Observation;

beforeEach(async () => {
  home = await createGraphHome();
  const { core, project } = home;
  await addAgentRow(core, project.id, 'idle');
  const find = (id: string) => findAgent(core.database.db, id);
  told = (await find('a1')) as Agent;
  const { units, clock, log } = core;
  observation = createObservation({ units, findAgent: find, toldOf: async () => told, clock, log });
});
afterEach(() => home.stop());

const stored = () => findAgent(home.core.database.db, 'a1');
const says = (state: 'busy' | 'idle') =>
  observation.report('a1', { state, source: 'hook', atMs: home.core.clock.now() });

test('as it was told of last', async () => {
  await says('busy');
  expect(await stored()).toMatchObject({ version: 2, observed: { state: 'busy' } });
});

test('when it was changed meanwhile: neither change is lost', async () => {
  await home.core.units.run(async (unit) => {
    await changeAgent(unit, await loadAgent(unit, 'a1'), { sessionId: 's' }, 'agent:state');
  });
  await says('busy');
  expect(await stored()).toMatchObject({ version: 3, sessionId: 's', observed: { state: 'busy' } });
});

test('when it has ended meanwhile: nothing is written', async () => {
  await home.core.units.run(async (unit) => {
    await changeAgent(unit, await loadAgent(unit, 'a1'), { lifecycle: 'killed' }, 'agent:kill');
  });
  await says('busy');
  expect(await stored()).toMatchObject({ version: 2, lifecycle: 'killed', observed: { state: 'idle' } });
});

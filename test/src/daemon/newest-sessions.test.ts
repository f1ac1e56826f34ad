/** The conversation an agent is in is known without asking for it, and never an older one. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent } from '../../../src/agents/schema.ts';
import { findAgent } from '../../../src/agents/store.ts';
import { followNewestSessions, type NewestSessions } from '../../../src/daemon/newest-sessions.ts';
import { changeSession, createSession } from '../../../src/sessions/changes.ts';
import type { Session } from '../../../src/sessions/schema.ts';
import { newestSession } from '../../../src/sessions/store.ts';
import { addAgentRow } from '../../support/agent-row.ts';
import { createGraphHome, type GraphHome } from '../../support/graph-home.ts';

let home: GraphHome;
let newest: NewestSessions;

beforeEach(async () => {
  home = await createGraphHome();
  await addAgentRow(home.core, home.project.id, 'idle');
  newest = followNewestSessions(home.core);
});
afterEach(async () => {
  newest.stop();
  await home.stop();
});

async function create(): Promise<Session> {
  const agent = (await findAgent(home.core.database.db, 'a1')) as Agent;
  return home.core.units.run((unit) => createSession(unit, agent, { origin: 'start' }));
}
const change = (session: Session, file: string) =>
  home.core.units.run((unit) => changeSession(unit, session, { file }));
const stored = () => newestSession(home.core.database.db, 'a1');

test('it follows what is made and changed, and a change of an older one is no matter', async () => {
  expect(await newest.find('a1')).toBeUndefined();
  const first = await create();
  expect(await newest.find('a1')).toEqual(first);
  const changed = await change(first, '/one');
  expect(await newest.find('a1')).toEqual(changed);
  const second = await create();
  await change(changed, '/late');
  expect(await newest.find('a1')).toEqual(second);
  expect(await newest.find('a1')).toEqual(await stored());
});

test('of one that was never told of the database is asked, also after an older one changed', async () => {
  const first = await create();
  const second = await create();
  newest.forget();
  await change(first, '/late');
  expect(await newest.find('a1')).toEqual(second);
});

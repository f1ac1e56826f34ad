/** When events reach the model: at once after rest, together in a burst. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type Connection, createConnection } from '../../tui/connection.ts';
import { initialModel } from '../../tui/model/state.ts';
import { createStore } from '../../tui/store.ts';
import { makeAgent, makeSnapshot } from '../support/board-data.ts';
import { createFakeClient } from '../support/fake-client.ts';

let connection: Connection | undefined;
afterEach(() => connection?.stop());

test('a change after rest is drawn at once, a burst is drawn together a tenth of a second later', async () => {
  const clock = { ms: 1_000_000 };
  const now = () => clock.ms;
  const client = createFakeClient(makeSnapshot([], [makeAgent(0, 'idle'), makeAgent(1, 'idle')]));
  const store = createStore(initialModel({ columns: 36, rows: 45 }, now()), now);
  connection = createConnection({ client, store, now });
  connection.start();
  await store.until((model) => model.connection.state === 'live', 5_000);
  // The stream begins in the same turn of the event loop.
  await nextTurn();
  let draws = 0;
  store.subscribe(() => {
    draws += 1;
  });
  const become = (index: number, state: 'busy' | 'idle', version: number) =>
    client.emit('agent:state', { agent: makeAgent(index, state, { version }) });
  const stateOf = (index: number) => store.get().agents.get(`agent-${index}`)?.observed.state;

  become(0, 'busy', 2);
  expect([draws, stateOf(0)]).toEqual([1, 'busy']);
  clock.ms += 100;
  become(0, 'idle', 3);
  expect([draws, stateOf(0)]).toEqual([2, 'idle']);
  become(0, 'busy', 4);
  become(1, 'busy', 2);
  expect([draws, stateOf(0), stateOf(1)]).toEqual([2, 'idle', 'idle']);
  await store.until(() => stateOf(1) === 'busy', 5_000);
  expect([draws, stateOf(0)]).toEqual([3, 'busy']);
});

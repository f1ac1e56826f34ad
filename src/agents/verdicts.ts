/** What events of an agent's bridge and the proxy's traffic say about its state. Pure. */
import type { Activity } from '../costs/schema.ts';
import type { AgentEvent } from './bridge-protocol.ts';
import type { ScreenVerdict } from './runtime.ts';
import type { StateReport } from './state.ts';

type BridgeVerdict = Omit<StateReport, 'atMs' | 'source'>;

function verdictOfAsk(event: Extract<AgentEvent, { kind: 'ask' }>): BridgeVerdict {
  const question = {
    ...(event.id === undefined ? {} : { id: event.id }),
    kind: event.ask,
    text: event.question,
    choices: event.choices ?? [],
    ...(event.tool === undefined ? {} : { tool: event.tool }),
    ...(event.command === undefined ? {} : { command: event.command }),
  };
  return { state: 'waiting', detail: event.question, question };
}

/** The verdict of one bridge event; undefined when it says nothing about the state. */
export function verdictOf(event: AgentEvent): BridgeVerdict | undefined {
  if ('asking' in event && event.asking) return undefined;
  switch (event.kind) {
    case 'turn-start':
    case 'tool-end':
    case 'answered':
      return { state: 'busy' };
    case 'tool-start':
      return { state: 'busy', detail: event.summary ? `${event.tool}: ${event.summary}` : event.tool };
    case 'ask':
      return verdictOfAsk(event);
    case 'settled': {
      if (event.error === undefined) return { state: 'idle' };
      const text = `The model answered with an error: ${event.error}`;
      return { state: 'waiting', detail: text, question: { kind: 'error', text, choices: ['go on', 'stop'] } };
    }
    case 'idle':
      return { state: 'idle' };
    default:
      return undefined;
  }
}

/** Words that ask, or a prompt, mean nothing while no program waits for a key: it works, and printed them. */
export function verdictOfScreen(
  read: ScreenVerdict | undefined,
  isRead: () => boolean | undefined,
): ScreenVerdict | undefined {
  return read && read.state !== 'busy' && isRead() === false ? { state: 'busy' } : read;
}

/** Ends after which nothing goes on by itself. */
const ENDS = ['end', 'sequence', 'length', 'refused'];

/** The verdict of the proxy's view; undefined when traffic alone cannot tell. */
export function verdictOfTraffic(activity: Activity): Omit<StateReport, 'atMs'> | undefined {
  if (activity.inFlight > 0) return { state: 'busy', source: 'proxy' };
  if (ENDS.includes(activity.stopReason ?? '')) return { state: 'idle', source: 'proxy' };
  // A tool call was answered: the tool runs, or waits for a permission that only others can see.
  if (activity.stopReason === 'tool') return { state: 'busy', source: 'proxy', detail: 'tool' };
  return undefined;
}

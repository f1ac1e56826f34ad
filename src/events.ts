/** Every event type with what its payload carries. Payloads hold whole nouns, so a view is a fold over them. */

export const eventTypes = {
  'project:created': 'project',
  'bead:created': 'bead',
  'bead:updated': 'bead, changed (field names)',
  'bead:deleted': 'id',
  'bead:proven': 'bead, proof',
  'bead:landed': 'bead, commit',
  'convoy:created': 'convoy',
  'convoy:updated': 'convoy',
  'agent:created': 'agent',
  'agent:start': 'agent',
  'agent:state': 'agent',
  'agent:attention': 'agent',
  'agent:pause': 'agent',
  'agent:resume': 'agent',
  'agent:complete': 'agent',
  'agent:error': 'agent, message',
  'agent:kill': 'agent, proof (pids seen and left)',
  'agent:prompt': 'prompt',
  'inbox:opened': 'item, bell (whether it may be heard)',
  'inbox:answered': 'item',
  'inbox:closed': 'item',
  'inbox:rule': 'rule',
  'worktree:created': 'beadId, path',
  'worktree:removed': 'beadId, path',
  'snapshot:taken': 'beadId, commit, reason',
  'cost:changed': 'projectId, spentUsd',
  'system:health:warning': 'check, detail',
  'system:started': 'version, pid',
} as const;

export type EventType = keyof typeof eventTypes;

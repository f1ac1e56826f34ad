/** Whether one more agent fits into memory: measured where agents ran before, typical figures where they did not. Pure. */

/** Resident memory (MB) of a session at work, measured; see the list of runtimes. */
const TYPICAL_MB: Readonly<Record<string, number>> = {
  shell: 20,
  pi: 180,
  claude: 330,
  codex: 280,
  gemini: 470,
  opencode: 900,
};
const UNKNOWN_MB = 300;
/** Sessions grow: what was measured gets this much room. */
const GROWTH = 1.2;

export function needMb(runtime: string, measuredMb: number | undefined): number {
  return measuredMb === undefined ? (TYPICAL_MB[runtime] ?? UNKNOWN_MB) : Math.ceil(measuredMb * GROWTH);
}

export interface Room {
  needMb: number;
  /** Memory the machine can still give. */
  availableMb: number;
  /** Memory that is left to everything else. */
  reserveMb: number;
  /** Most that all agents may use together; 0 = as much as there is. */
  limitMb: number;
  /** Used by agents now. */
  usedMb: number;
  /** Promised to agents that were just started and do not use it yet. */
  pendingMb: number;
}

/** Why an agent has to wait; undefined when it fits. The first one always does: waiting would be for ever. */
export function waitReason(room: Room): string | undefined {
  if (room.usedMb + room.pendingMb === 0) return undefined;
  const free = Math.floor(room.availableMb - room.reserveMb - room.pendingMb);
  if (room.needMb > free) return `waits for memory: it needs ${room.needMb} MB, ${Math.max(0, free)} MB are free`;
  const left = Math.floor(room.limitMb - room.usedMb - room.pendingMb);
  if (room.limitMb > 0 && room.needMb > left)
    return `waits for memory: it needs ${room.needMb} MB, agents may use ${Math.max(0, left)} MB more`;
  return undefined;
}

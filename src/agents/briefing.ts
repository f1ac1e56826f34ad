/** The words an agent gets: standing instructions, and the text of its bead. Pure. */
import type { Bead } from '../beads/schema.ts';

export interface BriefingSpec {
  agentName: string;
  projectName: string;
  mainBranch: string;
  proofCommand: string;
  beadId?: string | undefined;
  /** What its role tells it to be, filled in; it comes first. */
  rolePrompt: string;
  /** False when its role does not hand work over. */
  maySubmit: boolean;
}

function workLines(spec: BriefingSpec): string[] {
  if (!spec.beadId) return ['You have no bead of your own. Answer and act on the prompts you get.'];
  const place = `Your unit of work is the bead ${spec.beadId}. You are in its own git worktree, on the branch bead/${spec.beadId}.`;
  if (!spec.maySubmit) return [place, 'Others hand it over; your role does not.'];
  return [
    place,
    'Commit your work on this branch in small commits with clear messages. Do not switch branches, do not push,',
    `and do not merge into ${spec.mainBranch}: landing is done after a review.`,
    `When the work is finished and committed, run: godel done`,
    spec.proofCommand
      ? `That runs "${spec.proofCommand}" here and hands the bead over for review only when it passes.`
      : 'That hands the bead over for review.',
  ];
}

/** Standing instructions, given as a system text where the runtime has one. */
export function instructions(spec: BriefingSpec): string {
  return [
    ...(spec.rolePrompt ? [spec.rolePrompt, ''] : []),
    `You are ${spec.agentName}, one of several coding agents that work on ${spec.projectName} under Godel.`,
    ...workLines(spec),
    'The command `godel` is on your PATH and knows who you are:',
    '  godel bead show        your bead, its notes and review comments',
    '  godel note "…"         leave a note on your bead for people and later agents',
    '  godel todo write "[x] …" "[>] …" "…"   your plan, written whole whenever it changes; people follow it',
    '  godel message send <agent> "…"   write to another agent (godel agent list); it reads it when its turn ends',
    '  godel ask "…"          ask a person, and wait for the answer',
    ...(spec.maySubmit ? ['  godel done             hand your bead over for review'] : []),
  ].join('\n');
}

/** First prompt for an agent that starts on a bead. */
export function beadPrompt(bead: Bead, extra?: string, maySubmit = true): string {
  const notes = bead.notes.map((note) => `- ${note.author}: ${note.text}`);
  return [
    `Work on bead ${bead.id}.`,
    '',
    `Title: ${bead.title}`,
    `Type: ${bead.type}, priority: ${bead.priority}`,
    ...(bead.description ? ['', bead.description] : []),
    ...(notes.length > 0 ? ['', 'Notes so far:', ...notes] : []),
    ...(extra ? ['', extra] : []),
    ...(maySubmit ? ['', 'When it is finished and committed, run: godel done'] : []),
  ].join('\n');
}

/** Prompt that carries a review comment back to the agent. */
export function returnPrompt(beadId: string, comment: string, reviewer: string): string {
  return [
    `${reviewer} reviewed ${beadId} and sends it back:`,
    '',
    comment,
    '',
    'Address this, commit, and run: godel done',
  ].join('\n');
}

/** Prompt for an agent that was started again in the middle of its work. */
export function resumePrompt(beadId: string | undefined): string {
  const work = beadId === undefined ? 'what you were doing' : `bead ${beadId}`;
  return `You were restarted. Your worktree and conversation are as you left them. Go on with ${work}.`;
}

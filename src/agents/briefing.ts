/** The words an agent gets: standing instructions, and the text of its bead. Pure. */
import type { Bead } from '../beads/schema.ts';

export interface BriefingSpec {
  agentName: string;
  projectName: string;
  mainBranch: string;
  proofCommand: string;
  beadId?: string | undefined;
}

/** Standing instructions, given as a system text where the runtime has one. */
export function instructions(spec: BriefingSpec): string {
  const work = spec.beadId
    ? [
        `Your unit of work is the bead ${spec.beadId}. You are in its own git worktree, on the branch bead/${spec.beadId}.`,
        'Commit your work on this branch in small commits with clear messages. Do not switch branches, do not push,',
        `and do not merge into ${spec.mainBranch}: landing is done after a review.`,
        `When the work is finished and committed, run: godel done`,
        spec.proofCommand
          ? `That runs "${spec.proofCommand}" here and hands the bead over for review only when it passes.`
          : 'That hands the bead over for review.',
      ]
    : ['You have no bead of your own. Answer and act on the prompts you get.'];
  return [
    `You are ${spec.agentName}, one of several coding agents that work on ${spec.projectName} under Godel.`,
    ...work,
    'The command `godel` is on your PATH and knows who you are:',
    '  godel bead show        your bead, its notes and review comments',
    '  godel note "…"         leave a note on your bead for people and later agents',
    '  godel done             hand your bead over for review',
  ].join('\n');
}

/** First prompt for an agent that starts on a bead. */
export function beadPrompt(bead: Bead, extra?: string): string {
  const notes = bead.notes.map((note) => `- ${note.author}: ${note.text}`);
  return [
    `Work on bead ${bead.id}.`,
    '',
    `Title: ${bead.title}`,
    `Type: ${bead.type}, priority: ${bead.priority}`,
    ...(bead.description ? ['', bead.description] : []),
    ...(notes.length > 0 ? ['', 'Notes so far:', ...notes] : []),
    ...(extra ? ['', extra] : []),
    '',
    'When it is finished and committed, run: godel done',
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
export function resumePrompt(beadId: string): string {
  return `You were restarted. Your worktree and conversation are as you left them. Go on with bead ${beadId}.`;
}

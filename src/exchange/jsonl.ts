/** JSON lines: one bead a line with everything that is kept of it. Nothing is lost on the way there and back. */
import { type Bead, storedBeadSchema } from '../beads/schema.ts';
import type { Draft, Format } from './draft.ts';

/** The values of the lines that are not empty. @throws Error that names the line */
export function linesOf(text: string): unknown[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      throw new Error(`line ${index + 1} is not JSON`, { cause: error });
    }
  });
}

function toDraft(value: unknown, index: number): Draft {
  const parsed = storedBeadSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`bead ${index + 1}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'cannot be read'}`);
  }
  const { parentBead, proof, commits, landedCommit, branch, claim, ...bead } = parsed.data;
  // What a bead proves about commits is true of its own repository only.
  return { ...bead, key: bead.id, externalId: bead.externalId ?? `godel:${bead.uid}`, parent: parentBead };
}

/** Without what belongs to one database or one repository. */
function toLine(bead: Bead): string {
  const { projectId, worktree, version, claim, ...kept } = bead;
  return JSON.stringify(Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1))));
}

export const jsonl: Format = {
  parse: (text) => linesOf(text).map(toDraft),
  render: (beads) => beads.map((bead) => `${toLine(bead)}\n`).join(''),
};

/** Where things lie in the tree of refs/godel/state. Sharded two levels, so that a change costs the same at any size. */

export const STATE_REF = 'refs/godel/state';
export const FORMAT_PATH = 'format.json';

/** `godel-abc12` -> `beads/a/b/godel-abc12.json` */
export function beadPath(id: string): string {
  const key = id.slice(id.indexOf('-') + 1);
  return `beads/${key[0]}/${key[1]}/${id}.json`;
}

/** `convoy-20261121-abc` -> `convoys/2026/convoy-20261121-abc.json` */
export function convoyPath(id: string): string {
  return `convoys/${id.slice(7, 11)}/${id}.json`;
}

/** `conflicts/godel-abc12/<hash>.json` */
export const conflictPath = (about: string, id: string): string => `conflicts/${about}/${id}.json`;
export const replicaPath = (id: string): string => `replicas/${id}.json`;

export interface ParsedPath {
  kind: 'bead' | 'convoy' | 'conflict' | 'replica' | 'format' | 'other';
  id: string;
}

/** The noun a path of the tree holds; anything a newer version put there is `other`. */
export function parsePath(path: string): ParsedPath {
  const bead = /^beads\/.\/.\/(godel-[a-z0-9]{5})\.json$/.exec(path)?.[1];
  if (bead) return { kind: 'bead', id: bead };
  const convoy = /^convoys\/\d{4}\/(convoy-\d{8}-[a-z0-9]{3})\.json$/.exec(path)?.[1];
  if (convoy) return { kind: 'convoy', id: convoy };
  const conflict = /^conflicts\/[a-z0-9-]+\/([0-9a-f]{16})\.json$/.exec(path)?.[1];
  if (conflict) return { kind: 'conflict', id: conflict };
  const replica = /^replicas\/([0-9a-z]{6})\.json$/.exec(path)?.[1];
  if (replica) return { kind: 'replica', id: replica };
  return { kind: path === FORMAT_PATH ? 'format' : 'other', id: '' };
}

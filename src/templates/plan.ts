/** From a template and values to the beads it makes: parents before children, links by key. Pure. */
import type { PlannedBead } from '../beads/creating.ts';
import { parseDue } from '../beads/due.ts';
import { failure } from '../errors.ts';
import type { Template, TemplateBead } from './schema.ts';

const HOLE = /\{\{\s*([a-zA-Z]\w*)\s*\}\}/g;

function invalid(template: Template, problem: string): never {
  throw failure('template-invalid', { file: template.file, problem });
}

/** Values of all variables. @throws GodelError bad-input when one is missing or unknown */
function valuesOf(template: Template, given: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, { default: value }] of Object.entries(template.variables)) {
    if (value !== undefined) values.set(name, value);
  }
  const known = Object.keys(template.variables).join(', ') || 'none';
  const hint = `godel template show ${template.name} shows its variables: ${known}.`;
  for (const pair of given) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (at < 1 || !(name in template.variables)) {
      throw failure('bad-input', { problem: `"${pair}" sets no variable of template ${template.name}.`, hint });
    }
    values.set(name, pair.slice(at + 1));
  }
  const missing = Object.keys(template.variables).filter((name) => !values.has(name));
  if (missing.length > 0) throw failure('bad-input', { problem: `--var ${missing[0]}=… is needed.`, hint });
  return values;
}

function flatten(root: TemplateBead): { bead: TemplateBead; parent: number | undefined }[] {
  const all: { bead: TemplateBead; parent: number | undefined }[] = [];
  const visit = (bead: TemplateBead, parent: number | undefined): void => {
    const place = all.push({ bead, parent }) - 1;
    for (const child of bead.children ?? []) visit(child, place);
  };
  visit(root, undefined);
  return all;
}

export const countBeads = (root: TemplateBead): number => flatten(root).length;

/** Keys on a way that comes back to where it began. */
function cycleIn(places: readonly (readonly number[])[]): number[] | undefined {
  const done = new Set<number>();
  const visit = (place: number, way: number[]): number[] | undefined => {
    if (way.includes(place)) return [...way.slice(way.indexOf(place)), place];
    if (done.has(place)) return undefined;
    for (const next of places[place] ?? []) {
      const found = visit(next, [...way, place]);
      if (found) return found;
    }
    done.add(place);
    return undefined;
  };
  for (const place of places.keys()) {
    const found = visit(place, []);
    if (found) return found;
  }
  return undefined;
}

/** Places that each bead waits for. @throws GodelError template-invalid for keys and cycles that cannot be */
export function assertLinks(template: Template): number[][] {
  const all = flatten(template.bead);
  const keys = new Map<string, number>();
  for (const [place, { bead }] of all.entries()) {
    if (bead.key === undefined) continue;
    if (keys.has(bead.key)) invalid(template, `the key ${bead.key} is there twice`);
    keys.set(bead.key, place);
  }
  const places = all.map(({ bead }) =>
    bead.blockedBy.map((key) => keys.get(key) ?? invalid(template, `there is no bead with the key ${key}`)),
  );
  const cycle = cycleIn(places);
  if (cycle) invalid(template, `a cycle: ${cycle.map((place) => all[place]?.bead.key).join(' waits for ')}`);
  return places;
}

/** @throws GodelError template-invalid, bad-input */
export function planTemplate(
  template: Template,
  given: readonly string[],
  nowMs: number,
  title?: string,
): PlannedBead[] {
  const values = valuesOf(template, given);
  const fill = (text: string) => text.replaceAll(HOLE, (hole, name: string) => values.get(name) ?? hole);
  const places = assertLinks(template);
  return flatten(template.bead).map(({ bead, parent }, place) => ({
    title: place === 0 && title !== undefined ? title : fill(bead.title),
    ...(bead.description === undefined ? {} : { description: fill(bead.description) }),
    type: bead.type,
    priority: bead.priority,
    labels: bead.labels.map(fill),
    ...(bead.due === undefined ? {} : { dueAt: parseDue(fill(bead.due), nowMs, 'due:') }),
    parent,
    blockedBy: places[place] ?? [],
  }));
}

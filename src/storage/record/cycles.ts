/** Circles of dependencies that appear when two clones each add half of one. Pure. */

export interface Edge {
  from: string;
  to: string;
  /** When it was added. */
  stamp: string;
}

const isNewer = (a: Edge, b: Edge): boolean => {
  const [keyA, keyB] = [a, b].map((edge) => `${edge.stamp} ${edge.from} ${edge.to}`) as [string, string];
  return keyA > keyB;
};

/** Number of the strongly connected component of every node (Tarjan, without recursion). */
function components(edges: readonly Edge[]): Map<string, number> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) {
    next.set(from, [...(next.get(from) ?? []), to]);
    if (!next.has(to)) next.set(to, []);
  }
  const [index, low, component] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const path: string[] = [];
  let [counter, found] = [0, 0];
  for (const root of next.keys()) {
    if (index.has(root)) continue;
    const work = [{ node: root, at: 0 }];
    while (work.length > 0) {
      const frame = work.at(-1) as { node: string; at: number };
      const { node } = frame;
      if (frame.at === 0) {
        index.set(node, counter);
        low.set(node, counter);
        counter += 1;
        path.push(node);
      }
      const child = next.get(node)?.[frame.at];
      frame.at += 1;
      if (child !== undefined) {
        if (!index.has(child)) work.push({ node: child, at: 0 });
        else if (!component.has(child)) low.set(node, Math.min(low.get(node) ?? 0, index.get(child) ?? 0));
        continue;
      }
      work.pop();
      const parent = work.at(-1)?.node;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(node) ?? 0));
      if (low.get(node) !== index.get(node)) continue;
      for (let member = path.pop(); member !== undefined; member = path.pop()) {
        component.set(member, found);
        if (member === node) break;
      }
      found += 1;
    }
  }
  return component;
}

/** The newest edge of every circle, until none is left: the same edges wherever the same graph is looked at. */
export function circularEdges(edges: readonly Edge[]): Edge[] {
  const marked: Edge[] = [];
  let left = edges.filter((edge) => edge.from !== edge.to);
  for (;;) {
    const component = components(left);
    const inside = left.filter((edge) => component.get(edge.from) === component.get(edge.to));
    if (inside.length === 0) return marked;
    const newest = new Map<number, Edge>();
    for (const edge of inside) {
      const group = component.get(edge.from) as number;
      const known = newest.get(group);
      if (!known || isNewer(edge, known)) newest.set(group, edge);
    }
    const gone = new Set(newest.values());
    marked.push(...gone);
    left = inside.filter((edge) => !gone.has(edge));
  }
}

/** The resources of a template and what each needs to be there before it. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { referencesOf } from "./references.ts";
import { finish, type Steps } from "./steps.ts";

/** Logical ids of what a resource needs, by its own. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Makes the graph of resources: what `Ref`, `Fn::GetAtt`, `Fn::Sub` and `DependsOn` name among them. */
export function graphOf(resources: TemplateMap): Graph {
  return finish(graphInSteps(resources));
}

export function* graphInSteps(resources: TemplateMap): Steps<Graph> {
  const graph = new Map<string, ReadonlySet<string>>();
  for (const [id, resource] of Object.entries(resources)) {
    yield;
    const needed = new Set<string>();
    for (const name of neededBy(resource)) if (Object.hasOwn(resources, name)) needed.add(name);
    graph.set(id, needed);
  }
  return graph;
}

function* neededBy(resource: TemplateValue): Generator<string> {
  if (!isTemplateMap(resource)) return;
  yield* dependsOn(resource);
  // Of the other attributes only these may refer to resources.
  for (const part of [resource["Properties"], resource["Metadata"]])
    for (const { kind, name } of referencesOf(part)) if (kind === "value") yield name;
}

/** Names in `DependsOn`: one, or a list. */
export function dependsOn(resource: TemplateMap): readonly string[] {
  const given = resource["DependsOn"];
  if (typeof given === "string") return [given];
  return isTemplateList(given) ? given.filter((each) => typeof each === "string") : [];
}

/**
 * The groups of resources that need one another, each in the order of the template; a resource that needs itself is one
 * of them. Tarjan's algorithm, without recursion: a chain may be as long as a template.
 */
export function cyclesOf(graph: Graph): ReadonlyArray<readonly string[]> {
  const order = [...graph.keys()];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const cycles: string[][] = [];
  const enter = (id: string): Visit => {
    index.set(id, index.size);
    low.set(id, index.get(id) ?? 0);
    stack.push(id);
    onStack.add(id);
    return { id, next: [...(graph.get(id) ?? [])].values() };
  };
  const lower = (id: string, to: number): void => void low.set(id, Math.min(low.get(id) ?? 0, to));
  for (const root of order) {
    if (index.has(root)) continue;
    const visits = [enter(root)];
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const { value: needed } = visit.next.next();
      if (needed !== undefined) {
        if (!index.has(needed)) visits.push(enter(needed));
        else if (onStack.has(needed)) lower(visit.id, index.get(needed) ?? 0);
        continue;
      }
      visits.pop();
      const parent = visits.at(-1);
      if (parent !== undefined) lower(parent.id, low.get(visit.id) ?? 0);
      if (low.get(visit.id) !== index.get(visit.id)) continue;
      const group = stack.splice(stack.lastIndexOf(visit.id));
      for (const id of group) onStack.delete(id);
      const [only = ""] = group;
      if (group.length > 1 || graph.get(only)?.has(only) === true) cycles.push(group);
    }
  }
  const place = new Map(order.map((id, at) => [id, at]));
  return cycles.map((group) => group.toSorted((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0)));
}

interface Visit {
  readonly id: string;
  readonly next: Iterator<string, undefined>;
}

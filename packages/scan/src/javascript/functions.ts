/** Functions of the package: run with hazards for arguments, and what lives on in them. */
import { type Frame, frameOf } from "./state.ts";
import { capturedReads, isFunction } from "./syntax.ts";
import {
  type ClassValue,
  type FunctionValue,
  type Label,
  type Node,
  NO_LABELS,
  NOTHING,
  Scope,
  union,
  type Value,
  withLabels,
} from "./values.ts";
import type { Walk } from "./walk.ts";

const DEPTH_MAX = 25;

export class Functions {
  readonly #walk: Walk;
  readonly #lazy = new Map<Node, () => Value>();

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  /** Runs a function of the package with hazards for arguments. */
  enter(
    fn: FunctionValue,
    values: readonly Value[],
    instance: ClassValue | null,
  ): { readonly result: Value; readonly fields: Set<Label> } {
    const lazy = this.#lazy.get(fn.node);
    if (lazy !== undefined) return { result: lazy(), fields: new Set() };
    const given = union(...values.map((each) => each.labels));
    const module = fn.scope.module;
    const body = fn.node["body"] as Node | null;
    if (
      module === null ||
      body === null ||
      this.#walk.state.active.length > DEPTH_MAX ||
      this.#walk.state.active.some((each) => each.node === fn.node)
    )
      return { result: { labels: given }, fields: new Set() };
    const known = values.some((each) => each.labels.size > 0 || each.fn !== undefined || each.props !== undefined)
      ? undefined
      : this.#walk.state.memo.get(fn)?.find((each) => each.key === this.#memoKey(values));
    if (known !== undefined) return known;
    const self = instance ?? fn.cls ?? null;
    const frame = frameOf(module, new Scope(fn.scope), fn, self);
    this.#bindParameters(fn.node["params"] as Node[], values, frame);
    this.#walk.state.active.push(fn);
    if (body.type === "BlockStatement") this.#walk.block(body["body"] as Node[], frame);
    else {
      frame.result = this.#walk.eval(body, frame);
      for (const label of frame.result.labels) frame.returned.add(label);
    }
    this.#walk.state.active.pop();
    const captured = this.#captured(fn, frame);
    const answer = {
      result: withLabels(frame.result ?? NOTHING, union(frame.returned, captured)),
      fields: frame.fields,
    };
    this.#walk.state.memo.set(fn, [
      ...(this.#walk.state.memo.get(fn) ?? []).slice(-8),
      { key: this.#memoKey(values), ...answer },
    ]);
    return answer;
  }

  #memoKey(values: readonly Value[]): string {
    return `${this.#walk.state.phase} ${values.map((each) => each.name ?? each.text ?? "").join(",")}`;
  }

  #bindParameters(params: readonly Node[], values: readonly Value[], frame: Frame): void {
    params.forEach((param, index) => {
      if (param.type === "RestElement")
        this.#walk.assign(
          param["argument"] as Node,
          { labels: union(...values.slice(index).map((each) => each.labels)) },
          frame,
          true,
        );
      else if (param.type === "TSParameterProperty")
        this.#parameterProperty(param["parameter"] as Node, values[index] ?? NOTHING, frame);
      else this.#walk.assign(param, values[index] ?? NOTHING, frame, true);
    });
  }

  /** `constructor(private readonly id: string)` */
  #parameterProperty(param: Node, value: Value, frame: Frame): void {
    this.#walk.assign(param, value, frame, true);
    const at = param.type === "AssignmentPattern" ? (param["left"] as Node) : param;
    const held = at.type === "Identifier" ? (frame.scope.values.get(at["name"] as string) ?? NOTHING) : NOTHING;
    for (const label of held.labels)
      frame.fields.add({ ...label, keptAs: label.keptAs ?? `${frame.self?.name ?? "this"}.${String(at["name"])}` });
  }

  /** Local variables that the functions it hands out still see live as long as those do. */
  #captured(fn: FunctionValue, frame: Frame): ReadonlySet<Label> {
    const held = [...frame.scope.values].filter(([, value]) => value.labels.size > 0);
    if (held.length === 0 || !isFunction(fn.node)) return NO_LABELS;
    const reads = capturedReads(fn.node);
    return union(
      ...held
        .filter(([name]) => reads.has(name))
        .map(
          ([name, value]) =>
            new Set(
              [...value.labels].map((label) => ({
                ...label,
                keptAt: label.keptAt ?? label.place,
                keptAs: label.keptAs ?? name,
              })),
            ),
        ),
    );
  }

  /** A function put something into a variable of the function around it. */
  noteCaptured(scope: Scope, name: string, value: Value, node: Node, frame: Frame): void {
    const place = { module: frame.module, offset: node.start };
    scope.values.set(
      name,
      withLabels(
        scope.values.get(name) ?? NOTHING,
        new Set(
          [...value.labels].map((label) => ({ ...label, keptAt: label.keptAt ?? place, keptAs: label.keptAs ?? name })),
        ),
      ),
    );
  }

  /** esbuild's wrapper of a module: run when it is called, once. */
  lazyModule(value: Value | undefined): Value {
    const fn = [...(value?.props?.values() ?? [])].find((each) => each.fn !== undefined)?.fn ?? value?.fn;
    if (fn === undefined) return NOTHING;
    const exported: Value = { ...NOTHING, props: new Map() };
    const holder: Value = { ...NOTHING, props: new Map([["exports", exported]]) };
    const node = {
      ...fn.node,
      type: "ArrowFunctionExpression",
      params: [],
      body: { type: "BlockStatement", start: 0, end: 0, body: [] },
    } as Node;
    let isRun = false;
    const run = (): Value => {
      if (!isRun) {
        isRun = true;
        this.enter(fn, [exported, holder], null);
      }
      return holder.props?.get("exports") ?? exported;
    };
    this.#lazy.set(node, run);
    return { ...NOTHING, fn: { name: "module", node, scope: fn.scope } };
  }
}

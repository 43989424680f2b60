/** Calls and `new`: of functions of the package, and of those outside. */
import type { Frame } from "./state.ts";
import { keyOf, unwrap } from "./syntax.ts";
import {
  type ClassValue,
  type FunctionValue,
  type Label,
  type Node,
  NO_LABELS,
  NOTHING,
  union,
  type Value,
  withLabels,
  without,
} from "./values.ts";
import type { Walk } from "./walk.ts";

/** Names of functions that compilers wrap around a `require`; the value is its argument. */
const INTEROP =
  /^(tslib\.)?_*(importDefault|importStar|interopRequireDefault|interopRequireWildcard|toESM|toCommonJS)\d*$/;
const LAZY_MODULE = /^__(commonJS|esm)(Min)?\d*$/;
const RUNS_CALLBACKS = new Set([
  "then",
  "catch",
  "finally",
  "map",
  "forEach",
  "filter",
  "flatMap",
  "reduce",
  "reduceRight",
  "find",
  "some",
  "every",
  "sort",
  "from",
  "call",
  "apply",
]);
const TAKES_IN = new Set(["push", "unshift", "add", "set", "put", "append", "assign"]);
const ENDS = new Set([
  "end",
  "close",
  "destroy",
  "disconnect",
  "quit",
  "release",
  "cleanup",
  "removeCallback",
  "terminate",
]);
const SCOPED_RULES = new Set(["connection", "temp-file"]);
const GENERATOR_RULES = new Set(["random-generator", "seed"]);
const FORGETFUL = new Set([
  "Boolean",
  "Array.isArray",
  "console.log",
  "console.info",
  "console.debug",
  "console.warn",
  "console.error",
]);
const FILLS_ARGUMENT = /(randomFillSync|getRandomValues)$/;

export class Calls {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  call(node: Node, frame: Frame): Value {
    const target = unwrap(node["callee"] as Node);
    const given = node["arguments"] as Node[];
    const first = given[0];
    if (
      target.type === "Identifier" &&
      target["name"] === "require" &&
      first?.type === "Literal" &&
      frame.scope.find("require") === null
    )
      return this.#walk.importValue(String(first["value"]), frame);
    if (target.type === "Super") return this.#super(given, frame);
    if (frame.module.bundle !== undefined) {
      const asked = this.#walk.ofBundle(target, given, node, frame);
      if (asked !== null) return asked;
    }
    const callee = callable(this.#walk.eval(target, frame));
    if (callee.returns !== undefined) return callee.returns;
    const values = given.map((each) =>
      this.#walk.eval((each.type === "SpreadElement" ? each["argument"] : each) as Node, frame),
    );
    const name = callee.name ?? (target.type === "Identifier" ? (target["name"] as string) : "?");
    if (INTEROP.test(name.replace(/^.*\./, "")) || INTEROP.test(name)) return values[0] ?? NOTHING;
    if (LAZY_MODULE.test(target["name"] as string)) return this.#walk.lazyModule(values[0]);
    if (this.#walk.exportsByCall(name, given, values, frame)) return NOTHING;
    const labels = union(callee.labels, ...values.map((each) => each.labels));
    const key = target.type === "MemberExpression" ? keyOf(target) : null;
    this.#registerHook(key ?? name, values);
    if (key !== null) this.#mutate(target, key, labels, node, frame);
    if (callee.fn !== undefined) return this.#callFunction(callee.fn, values, callee.instance ?? null, target, frame);
    const fromCallbacks = key !== null && RUNS_CALLBACKS.has(key) ? this.#callbacks(values, callee) : NO_LABELS;
    if (FORGETFUL.has(name)) return NOTHING;
    const found = this.#walk.source([name], node, frame, values);
    if (FILLS_ARGUMENT.test(name) && first !== undefined && given.length > 0)
      this.#walk.assign(first, withLabels(values[0] ?? NOTHING, found), frame);
    this.#handOver(found, values);
    // A number drawn from a generator is not the generator.
    const rest = union(without(callee.labels, GENERATOR_RULES), ...values.map((each) => each.labels));
    return { labels: union(rest, found, fromCallbacks), name: `${name}()`, ...propsOf(name, values) };
  }

  construction(node: Node, frame: Frame): Value {
    const callee = callable(this.#walk.eval(node["callee"] as Node, frame));
    const given = node["arguments"] as Node[];
    const values = given.map((each) =>
      this.#walk.eval((each.type === "SpreadElement" ? each["argument"] : each) as Node, frame),
    );
    const labels = union(...values.map((each) => each.labels));
    if (callee.cls !== undefined) {
      const external = callee.cls.base.name;
      const inherited =
        external === undefined ? NO_LABELS : this.#walk.source([`new ${external}`, external], node, frame, values);
      return { labels: union(this.#walk.construct(callee.cls, values, frame), inherited), instance: callee.cls };
    }
    if (callee.fn !== undefined) return withLabels(this.#callFunction(callee.fn, values, null, null, frame), labels);
    const name = callee.name ?? "?";
    const ran = name === "Promise" ? this.#callbacks(values, NOTHING) : NO_LABELS;
    return {
      labels: union(labels, ran, this.#walk.source([`new ${name}`, name], node, frame, values)),
      name: `${name}()`,
    };
  }

  #super(given: readonly Node[], frame: Frame): Value {
    const base = frame.self?.base;
    const values = given.map((each) =>
      this.#walk.eval((each.type === "SpreadElement" ? each["argument"] : each) as Node, frame),
    );
    if (base?.cls !== undefined)
      for (const label of this.#walk.construct(base.cls, values, frame)) frame.fields.add(label);
    return NOTHING;
  }

  #callFunction(
    fn: FunctionValue,
    values: readonly Value[],
    instance: ClassValue | null,
    target: Node | null,
    frame: Frame,
  ): Value {
    const { result, fields } = this.#walk.enter(fn, values, instance);
    if (fields.size > 0 && target?.type === "MemberExpression") {
      const holder = unwrap(target["object"] as Node);
      if (holder.type === "ThisExpression" || holder.type === "Super")
        for (const label of fields) frame.fields.add(label);
      else if (holder.type === "Identifier") {
        frame.branches++;
        this.#walk.assign(holder, withLabels(this.#walk.nameValue(holder["name"] as string, frame), fields), frame);
        frame.branches--;
      }
    }
    return result;
  }

  #callbacks(values: readonly Value[], callee: Value): ReadonlySet<Label> {
    const argument: Value = { labels: callee.labels };
    return union(
      ...values.map((each) =>
        each.fn === undefined
          ? NO_LABELS
          : this.#walk.enter(each.fn, [argument, argument], each.instance ?? null).result.labels,
      ),
    );
  }

  /** A source that answers by a callback: `randomBytes(16, (error, bytes) => …)`. */
  #handOver(found: ReadonlySet<Label>, values: readonly Value[]): void {
    const last = values.at(-1);
    if (found.size === 0 || last?.fn === undefined) return;
    const answer: Value = { labels: found };
    this.#walk.enter(last.fn, [NOTHING, answer, answer], last.instance ?? null);
  }

  #registerHook(name: string, values: readonly Value[]): void {
    const functions = values.flatMap((each) => (each.fn === undefined ? [] : [each.fn]));
    if (name.endsWith("registerBeforeSnapshot")) this.#walk.state.before.push(...functions);
    if (name.endsWith("registerAfterRestore")) this.#walk.state.after.push(...functions);
  }

  #mutate(target: Node, key: string, labels: ReadonlySet<Label>, node: Node, frame: Frame): void {
    const holder = unwrap(target["object"] as Node);
    if (ENDS.has(key) && holder.type === "Identifier") {
      const name = holder["name"] as string;
      const scope = frame.scope.find(name);
      const value = scope?.values.get(name);
      if (scope === null || value === undefined || value.labels.size === 0) return;
      const rest = without(value.labels, SCOPED_RULES);
      scope.values.set(name, { ...value, labels: rest });
      if (scope === frame.module.scope && rest.size !== value.labels.size)
        this.#walk.state.keep(frame.module, name, { labels: rest }, { module: frame.module, offset: node.start }, true);
    } else if (TAKES_IN.has(key) && labels.size > 0) {
      const isNamed = holder.type === "Identifier" && frame.scope.find(holder["name"] as string) === null;
      if (holder.type === "Identifier" && !isNamed) {
        frame.branches++;
        this.#walk.assign(holder, withLabels(this.#walk.nameValue(holder["name"] as string, frame), labels), frame);
        frame.branches--;
      } else if (holder.type === "MemberExpression") this.#walk.assign(holder, { labels }, frame);
    }
  }
}

/** A module that is a function or a class: `module.exports = function …`. */
function callable(value: Value): Value {
  const exported = value.fn === undefined ? value.module?.exported : undefined;
  return exported?.fn !== undefined || exported?.cls !== undefined ? exported : value;
}

function propsOf(name: string, values: readonly Value[]): Pick<Value, "props"> {
  const props = name === "Object.assign" || name === "Object.freeze" ? values[0]?.props : undefined;
  return props === undefined ? {} : { props };
}

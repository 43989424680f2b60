/** The interpreter's half for expressions: what a value is, what is in it, and calls. */
import type { Modules } from "./modules.ts";
import { type Frame, frameOf, type ScanState } from "./state.ts";
import { exportsOf } from "./webpack.ts";
import { capturedReads, childrenOf, isFunction, keyOf, unwrap } from "./syntax.ts";
import {
  type ClassValue,
  type FunctionValue,
  type Label,
  methodOf,
  type Module,
  type Node,
  NO_LABELS,
  NOTHING,
  Scope,
  union,
  type Value,
  withLabels,
  without,
} from "./values.ts";

const DEPTH_MAX = 25;
/** What compilers wrap around a `require`; the value is its argument. */
const INTEROP =
  /^(tslib\.)?_*(importDefault|importStar|interopRequireDefault|interopRequireWildcard|toESM|toCommonJS)\d*$/;
const STAR = /(^|\.)__(exportStar|export_star)\d*$/;
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
/** Read, not called. */
const READS = /^process\.(env\.|pid$)/;

export abstract class Expressions {
  readonly state: ScanState;
  readonly modules: Modules;

  protected constructor(state: ScanState, modules: Modules) {
    this.state = state;
    this.modules = modules;
  }

  abstract runModule(module: Module): void;
  abstract block(statements: readonly Node[], frame: Frame): void;
  abstract assign(target: Node, value: Value, frame: Frame, isDeclaration?: boolean): void;
  abstract classValue(node: Node, frame: Frame): Value;
  abstract construct(cls: ClassValue, values: readonly Value[], node: Node, frame: Frame): ReadonlySet<Label>;

  importValue(specifier: string, frame: Frame): Value {
    const module = this.modules.resolve(frame.module, specifier);
    if (module === null) return { ...NOTHING, name: specifier.replace(/^node:/, "") };
    this.runModule(module);
    return { labels: NO_LABELS, module };
  }

  eval(expression: Node, frame: Frame): Value {
    const node = unwrap(expression);
    switch (node.type) {
      case "Literal":
        return typeof node["value"] === "string" ? { ...NOTHING, text: node["value"] } : NOTHING;
      case "Identifier":
        return this.#name(node["name"] as string, frame);
      case "ThisExpression":
        return frame.self === null ? NOTHING : { ...NOTHING, instance: frame.self };
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return {
          ...NOTHING,
          fn: { name: "function", node, scope: frame.scope, ...(frame.self === null ? {} : { cls: frame.self }) },
        };
      case "ClassExpression":
        return this.classValue(node, frame);
      case "MemberExpression":
        return this.#memberExpression(node, frame);
      case "CallExpression":
        return this.#call(node, frame);
      case "NewExpression":
        return this.#new(node, frame);
      case "ImportExpression":
        return (node["source"] as Node).type === "Literal"
          ? this.importValue((node["source"] as Node)["value"] as string, frame)
          : NOTHING;
      case "ObjectExpression":
        return this.#object(node, frame);
      case "AssignmentExpression":
        return this.#assignment(node, frame);
      default:
        return this.#operator(node, frame);
    }
  }

  #operator(node: Node, frame: Frame): Value {
    switch (node.type) {
      case "LogicalExpression": {
        const left = this.eval(node["left"] as Node, frame);
        const right = this.eval(node["right"] as Node, frame);
        // `options.make || make`: the option is not known, the default is.
        const isOption =
          left.name?.startsWith("?.") === true &&
          [right.fn, right.cls, right.module].some((each) => each !== undefined);
        const isLeft =
          (!isOption &&
            [left.name, left.fn, left.cls, left.module, left.instance].some((each) => each !== undefined)) ||
          left.text !== undefined;
        return withLabels(isLeft ? left : right, union(left.labels, right.labels));
      }
      case "ConditionalExpression": {
        this.eval(node["test"] as Node, frame);
        const first = this.eval(node["consequent"] as Node, frame);
        const second = this.eval(node["alternate"] as Node, frame);
        return withLabels(second.name === undefined ? first : second, union(first.labels, second.labels));
      }
      case "SequenceExpression":
        return (node["expressions"] as Node[]).map((each) => this.eval(each, frame)).at(-1) ?? NOTHING;
      case "UnaryExpression": {
        const value = this.eval(node["argument"] as Node, frame);
        return node["operator"] === "typeof" || node["operator"] === "void" ? NOTHING : { labels: value.labels };
      }
      default:
        return {
          labels: union(
            ...childrenOf(node).map((each) => (each.type.startsWith("TS") ? NO_LABELS : this.eval(each, frame).labels)),
          ),
        };
    }
  }

  #name(name: string, frame: Frame): Value {
    const found = frame.scope.find(name)?.values.get(name);
    if (found !== undefined) return found;
    if (name === frame.module.names.exports) return frame.module.exported;
    if (name === frame.module.names.module) return { ...NOTHING, props: new Map([["exports", frame.module.exported]]) };
    return name === "undefined"
      ? NOTHING
      : { ...NOTHING, name: name === "globalThis" || name === "global" ? "globalThis" : name };
  }

  #object(node: Node, frame: Frame): Value {
    const props = new Map<string, Value>();
    let labels: ReadonlySet<Label> = NO_LABELS;
    for (const each of node["properties"] as Node[]) {
      const value = this.eval((each["value"] ?? each["argument"]) as Node, frame);
      const key = each.type === "SpreadElement" ? null : keyOf(each);
      if (key !== null) props.set(key, value);
      if (each.type === "SpreadElement") for (const [name, part] of value.props ?? []) props.set(name, part);
      labels = union(labels, value.labels);
    }
    return { labels, props };
  }

  #assignment(node: Node, frame: Frame): Value {
    const value = this.eval(node["right"] as Node, frame);
    const isPlain = node["operator"] === "=";
    const kept = isPlain ? value : withLabels(value, this.eval(node["left"] as Node, frame).labels);
    this.assign(node["left"] as Node, kept, frame);
    return kept;
  }

  #memberExpression(node: Node, frame: Frame): Value {
    const base = this.eval(node["object"] as Node, frame);
    const key = keyOf(node);
    if (key === null) {
      this.eval(node["property"] as Node, frame);
      return { labels: base.labels };
    }
    return this.readMember(base, key, node, frame);
  }

  readMember(base: Value, key: string, node: Node, frame: Frame): Value {
    const value = this.member(base, key);
    if (value.name === undefined || !READS.test(value.name)) return value;
    return { labels: union(value.labels, this.source([value.name], node, frame, null)) };
  }

  member(base: Value, key: string): Value {
    if (base.module !== undefined) return this.#memberOfModule(base.module, key);
    if (base.props?.has(key) === true) return withLabels(base.props.get(key) ?? NOTHING, NO_LABELS);
    const owner = base.cls ?? base.instance;
    const method = owner === undefined ? undefined : methodOf(owner, key);
    if (method !== undefined)
      return { labels: base.labels, fn: method, ...(base.instance === undefined ? {} : { instance: base.instance }) };
    if (base.name === "globalThis") return { ...NOTHING, name: key };
    if (key === "default" && base.name !== undefined && !base.name.includes(".")) return base;
    return { labels: base.labels, name: `${base.name ?? "?"}.${key}` };
  }

  #memberOfModule(module: Module, key: string): Value {
    const local = module.exports.get(key);
    if (local !== undefined) module.live.add(local);
    module.live.add(`exports.${key}`);
    const found = module.exported.props?.get(key);
    if (found !== undefined) return local === undefined ? found : (module.scope.values.get(local) ?? found);
    if (key === "default") return module.exported;
    // `module.exports = require("uuid")`
    return module.exported.name === undefined ? NOTHING : this.member({ ...NOTHING, name: module.exported.name }, key);
  }

  // Calls

  #call(node: Node, frame: Frame): Value {
    const target = unwrap(node["callee"] as Node);
    const given = node["arguments"] as Node[];
    const first = given[0];
    if (
      target.type === "Identifier" &&
      target["name"] === "require" &&
      first?.type === "Literal" &&
      frame.scope.find("require") === null
    )
      return this.importValue(String(first["value"]), frame);
    if (target.type === "Super") return this.#super(given, node, frame);
    if (frame.module.bundle !== undefined) {
      const asked = this.#ofBundle(target, given, node, frame);
      if (asked !== null) return asked;
    }
    const callee = callable(this.eval(target, frame));
    if (callee.returns !== undefined) return callee.returns;
    const values = given.map((each) =>
      this.eval((each.type === "SpreadElement" ? each["argument"] : each) as Node, frame),
    );
    const name = callee.name ?? (target.type === "Identifier" ? (target["name"] as string) : "?");
    if (INTEROP.test(name.replace(/^.*\./, "")) || INTEROP.test(name)) return values[0] ?? NOTHING;
    if (LAZY_MODULE.test(target["name"] as string)) return this.#lazyModule(values[0], frame);
    if (this.#exportsByCall(name, given, values, frame)) return NOTHING;
    const labels = union(callee.labels, ...values.map((each) => each.labels));
    const key = target.type === "MemberExpression" ? keyOf(target) : null;
    this.#registerHook(key ?? name, values);
    if (key !== null) this.#mutate(target, key, labels, node, frame);
    if (callee.fn !== undefined)
      return this.#callFunction(callee.fn, values, callee.instance ?? null, target, node, frame);
    const fromCallbacks = key !== null && RUNS_CALLBACKS.has(key) ? this.#callbacks(values, callee, node) : NO_LABELS;
    if (FORGETFUL.has(name)) return NOTHING;
    const found = this.source([name], node, frame, values);
    if (FILLS_ARGUMENT.test(name) && first !== undefined && given.length > 0)
      this.assign(first, withLabels(values[0] ?? NOTHING, found), frame);
    // A number drawn from a generator is not the generator.
    const rest = union(without(callee.labels, GENERATOR_RULES), ...values.map((each) => each.labels));
    return { labels: union(rest, found, fromCallbacks), name: `${name}()`, ...propsOf(name, values) };
  }

  /** As compilers write it: `Object.defineProperty(exports, "v4", { get: … })`, `__exportStar(require("./other"), exports)`. */
  #exportsByCall(name: string, given: readonly Node[], values: readonly Value[], frame: Frame): boolean {
    const { exported, getters } = frame.module;
    const [first, second, third] = given;
    if (STAR.test(name) && values[1] === exported) {
      for (const [key, value] of values[0]?.module?.exported.props ?? []) exported.props?.set(key, value);
      return true;
    }
    if (
      name !== "Object.defineProperty" ||
      values[0] !== exported ||
      first === undefined ||
      second?.type !== "Literal" ||
      third === undefined
    )
      return false;
    const getter = values[2]?.props?.get("get")?.fn?.node["body"] as Node | undefined;
    const [returned] = getter?.type === "BlockStatement" ? (getter["body"] as Node[]) : [];
    if (returned?.type !== "ReturnStatement" || returned["argument"] === null) return false;
    getters.set(String(second["value"]), returned["argument"] as Node);
    exported.props?.set(String(second["value"]), NOTHING);
    return true;
  }

  /** webpack's own calls: `require("./other.js")`, `require.d(exports, …)`, `require.n(module)`. Null: it is another call. */
  #ofBundle(target: Node, given: readonly Node[], node: Node, frame: Frame): Value | null {
    const { module } = frame;
    const [first] = given;
    const asked = (target.type === "FunctionExpression" ? (target["id"] as Node | null) : target)?.["name"] as
      | string
      | undefined;
    if (asked !== undefined && asked === module.bundle?.require && first?.type === "Literal") {
      const found = this.modules.bundled(module, String(first["value"]));
      if (found === null || !("isRun" in found)) return found;
      this.runModule(found);
      // `module.exports = require("node:net")`: the outside itself.
      return found.exported.name === undefined ? { labels: NO_LABELS, module: found } : found.exported;
    }
    const getters = exportsOf(node);
    for (const [name, value] of getters) {
      if (value.type === "Identifier") module.exports.set(name, value["name"] as string);
      module.getters.set(name, value);
    }
    if (getters.length > 0) return NOTHING;
    const isDefault =
      target.type === "MemberExpression" &&
      keyOf(target) === "n" &&
      (target["object"] as Node)["name"] === module.bundle?.require;
    if (!isDefault || first === undefined) return null;
    const from = this.eval(first, frame);
    const returns =
      from.module?.exported.props?.has("default") === true || from.module?.exports.has("default") === true
        ? this.member(from, "default")
        : from;
    return { ...NOTHING, returns, props: new Map([["a", returns]]) };
  }

  #new(node: Node, frame: Frame): Value {
    const callee = callable(this.eval(node["callee"] as Node, frame));
    const given = node["arguments"] as Node[];
    const values = given.map((each) =>
      this.eval((each.type === "SpreadElement" ? each["argument"] : each) as Node, frame),
    );
    const labels = union(...values.map((each) => each.labels));
    if (callee.cls !== undefined) {
      const external = callee.cls.base.name;
      const inherited =
        external === undefined ? NO_LABELS : this.source([`new ${external}`, external], node, frame, values);
      return { labels: union(this.construct(callee.cls, values, node, frame), inherited), instance: callee.cls };
    }
    if (callee.fn !== undefined)
      return withLabels(this.#callFunction(callee.fn, values, null, null, node, frame), labels);
    const name = callee.name ?? "?";
    const ran = name === "Promise" ? this.#callbacks(values, NOTHING, node) : NO_LABELS;
    return { labels: union(labels, ran, this.source([`new ${name}`, name], node, frame, values)), name: `${name}()` };
  }

  #super(given: readonly Node[], node: Node, frame: Frame): Value {
    const base = frame.self?.base;
    const values = given.map((each) =>
      this.eval((each.type === "SpreadElement" ? each["argument"] : each) as Node, frame),
    );
    if (base?.cls !== undefined)
      for (const label of this.construct(base.cls, values, node, frame)) frame.fields.add(label);
    return NOTHING;
  }

  #registerHook(name: string, values: readonly Value[]): void {
    const functions = values.flatMap((each) => (each.fn === undefined ? [] : [each.fn]));
    if (name.endsWith("registerBeforeSnapshot")) this.state.before.push(...functions);
    if (name.endsWith("registerAfterRestore")) this.state.after.push(...functions);
  }

  #callbacks(values: readonly Value[], callee: Value, node: Node): ReadonlySet<Label> {
    const argument: Value = { labels: callee.labels };
    return union(
      ...values.map((each) =>
        each.fn === undefined
          ? NO_LABELS
          : this.enter(each.fn, [argument, argument], each.instance ?? null, node).result.labels,
      ),
    );
  }

  /** esbuild's wrapper of a module: run when it is called, once. */
  #lazyModule(value: Value | undefined, frame: Frame): Value {
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
    void frame;
    let isRun = false;
    const run = (): Value => {
      if (!isRun) {
        isRun = true;
        this.enter(fn, [exported, holder], null, fn.node);
      }
      return holder.props?.get("exports") ?? exported;
    };
    this.#lazy.set(node, run);
    return { ...NOTHING, fn: { name: "module", node, scope: fn.scope } };
  }
  readonly #lazy = new Map<Node, () => Value>();

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
        this.state.keep(frame.module, name, { labels: rest }, { module: frame.module, offset: node.start }, true);
    } else if (TAKES_IN.has(key) && labels.size > 0) {
      const isNamed = holder.type === "Identifier" && frame.scope.find(holder["name"] as string) === null;
      if (holder.type === "Identifier" && !isNamed) {
        frame.branches++;
        this.assign(holder, withLabels(this.#name(holder["name"] as string, frame), labels), frame);
        frame.branches--;
      } else if (holder.type === "MemberExpression") this.assign(holder, { labels }, frame);
    }
  }

  source(names: readonly string[], node: Node, frame: Frame, values: readonly Value[] | null): ReadonlySet<Label> {
    for (const name of names) {
      const found = this.state.catalog.find(name);
      if (found === null || found.rule === "none" || (found.mode === "noargs" && (values?.length ?? 0) > 0)) continue;
      const rule = found.mode === "generator" && (values?.length ?? 0) > 0 ? "seed" : found.rule;
      const place = { module: frame.module, offset: node.start };
      const label: Label = { rule, what: values === null ? name : `${name.replace("?.", "")}()`, place };
      if (found.mode !== "effect") return new Set([label]);
      if (this.state.phase === "after-restore") this.state.curedEffects.add(name);
      else
        this.state.effects.set(`${frame.module.file}:${node.start}`, {
          label,
          place,
          name,
          phase: this.state.phase,
          source: name,
        });
      return NO_LABELS;
    }
    return NO_LABELS;
  }

  #callFunction(
    fn: FunctionValue,
    values: readonly Value[],
    instance: ClassValue | null,
    target: Node | null,
    node: Node,
    frame: Frame,
  ): Value {
    const { result, fields } = this.enter(fn, values, instance, node);
    if (fields.size > 0 && target?.type === "MemberExpression") {
      const holder = unwrap(target["object"] as Node);
      if (holder.type === "ThisExpression" || holder.type === "Super")
        for (const label of fields) frame.fields.add(label);
      else if (holder.type === "Identifier") {
        frame.branches++;
        this.assign(holder, withLabels(this.#name(holder["name"] as string, frame), fields), frame);
        frame.branches--;
      }
    }
    return result;
  }

  /** Runs a function of the package with hazards for arguments. */
  enter(
    fn: FunctionValue,
    values: readonly Value[],
    instance: ClassValue | null,
    node: Node,
  ): { readonly result: Value; readonly fields: Set<Label> } {
    const lazy = this.#lazy.get(fn.node);
    if (lazy !== undefined) return { result: lazy(), fields: new Set() };
    const given = union(...values.map((each) => each.labels));
    const module = fn.scope.module;
    const body = fn.node["body"] as Node | null;
    if (
      module === null ||
      body === null ||
      this.state.active.length > DEPTH_MAX ||
      this.state.active.some((each) => each.node === fn.node)
    )
      return { result: { labels: given }, fields: new Set() };
    const known = values.some((each) => each.labels.size > 0 || each.fn !== undefined || each.props !== undefined)
      ? undefined
      : this.state.memo.get(fn)?.find((each) => each.key === this.#memoKey(values));
    if (known !== undefined) return known;
    const self = instance ?? fn.cls ?? null;
    const frame = frameOf(module, new Scope(fn.scope), fn, self);
    this.#bindParameters(fn.node["params"] as Node[], values, frame);
    this.state.active.push(fn);
    if (body.type === "BlockStatement") this.block(body["body"] as Node[], frame);
    else {
      frame.result = this.eval(body, frame);
      for (const label of frame.result.labels) frame.returned.add(label);
    }
    this.state.active.pop();
    const captured = this.#captured(fn, frame, node);
    const answer = {
      result: withLabels(frame.result ?? NOTHING, union(frame.returned, captured)),
      fields: frame.fields,
    };
    this.state.memo.set(fn, [...(this.state.memo.get(fn) ?? []).slice(-8), { key: this.#memoKey(values), ...answer }]);
    return answer;
  }

  #memoKey(values: readonly Value[]): string {
    return `${this.state.phase} ${values.map((each) => each.name ?? each.text ?? "").join(",")}`;
  }

  #bindParameters(params: readonly Node[], values: readonly Value[], frame: Frame): void {
    params.forEach((param, index) => {
      if (param.type === "RestElement")
        this.assign(
          param["argument"] as Node,
          { labels: union(...values.slice(index).map((each) => each.labels)) },
          frame,
          true,
        );
      else if (param.type === "TSParameterProperty")
        this.#parameterProperty(param["parameter"] as Node, values[index] ?? NOTHING, frame);
      else this.assign(param, values[index] ?? NOTHING, frame, true);
    });
  }

  /** `constructor(private readonly id: string)` */
  #parameterProperty(param: Node, value: Value, frame: Frame): void {
    this.assign(param, value, frame, true);
    const at = param.type === "AssignmentPattern" ? (param["left"] as Node) : param;
    const held = at.type === "Identifier" ? (frame.scope.values.get(at["name"] as string) ?? NOTHING) : NOTHING;
    for (const label of held.labels)
      frame.fields.add({ ...label, keptAs: label.keptAs ?? `${frame.self?.name ?? "this"}.${String(at["name"])}` });
  }

  /** Local variables that the functions it hands out still see live as long as those do. */
  #captured(fn: FunctionValue, frame: Frame, node: Node): ReadonlySet<Label> {
    const held = [...frame.scope.values].filter(([, value]) => value.labels.size > 0);
    if (held.length === 0 || !isFunction(fn.node)) return NO_LABELS;
    const reads = capturedReads(fn.node);
    void node;
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

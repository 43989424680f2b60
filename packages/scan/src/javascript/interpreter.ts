/**
 * Walks what JavaScript runs during Init (modules, and what they call), with hazards in place of values: statements and assignments.
 *
 * A hazard counts when it is kept: in module state that a function reads, in a field of a kept object or a class, in a variable that a
 * function handed out still sees. Both branches of a condition are walked, each loop once.
 */
import { Expressions } from "./expressions.ts";
import type { Modules } from "./modules.ts";
import { type Frame, frameOf, type ScanState } from "./state.ts";
import { boundNames, childrenOf, isFunction, keyOf, readInFunctions, unwrap } from "./syntax.ts";
import {
  type ClassValue,
  type Label,
  type Module,
  type Node,
  NOTHING,
  Scope,
  union,
  type Value,
  isKnown,
  withLabels,
} from "./values.ts";

const STEPS_MAX = 400_000;

export class Interpreter extends Expressions {
  constructor(state: ScanState, modules: Modules) {
    super(state, modules);
  }

  runModule(module: Module): void {
    if (module.isRun) return;
    module.isRun = true;
    for (const name of readInFunctions(module.body)) module.live.add(name);
    const frame = frameOf(module, module.scope, null, null);
    this.block(module.body, frame);
    for (const [name, value] of module.getters) module.exported.props?.set(name, this.eval(value, frame));
  }

  block(statements: readonly Node[], frame: Frame): void {
    this.#hoist(statements, frame);
    for (const statement of statements) {
      if (++this.state.steps > STEPS_MAX) return;
      this.#statement(statement, frame);
    }
  }

  #hoist(statements: readonly Node[], frame: Frame): void {
    for (const statement of statements) {
      const node = (statement.type.startsWith("Export") ? statement["declaration"] : statement) as Node | null;
      if (node?.type !== "FunctionDeclaration" || node["id"] === null || node["body"] === null) continue;
      const name = (node["id"] as Node)["name"] as string;
      frame.scope.values.set(name, { ...NOTHING, fn: { name, node, scope: frame.scope } });
    }
  }

  #statement(node: Node, frame: Frame): void {
    switch (node.type) {
      case "ImportDeclaration":
        return this.#import(node, frame);
      case "ExportNamedDeclaration":
      case "ExportDefaultDeclaration":
      case "ExportAllDeclaration":
        return this.#export(node, frame);
      case "VariableDeclaration":
        for (const each of node["declarations"] as Node[]) this.#declare(each, frame);
        return undefined;
      case "ClassDeclaration": {
        const value = this.classValue(node, frame);
        if (node["id"] !== null) frame.scope.values.set((node["id"] as Node)["name"] as string, value);
        return undefined;
      }
      case "ExpressionStatement":
        this.eval(node["expression"] as Node, frame);
        return undefined;
      case "ReturnStatement":
        if (node["argument"] !== null) {
          const value = this.eval(node["argument"] as Node, frame);
          for (const label of value.labels) frame.returned.add(label);
          // `return connection` in a try, `return null` after it: what it may be is the former.
          if (frame.result === null || isKnown(value) || !isKnown(frame.result)) frame.result = value;
        }
        return undefined;
      case "FunctionDeclaration":
        return undefined;
      default:
        return this.#control(node, frame);
    }
  }

  /** Conditions and loops: their expressions, then all their blocks. */
  #control(node: Node, frame: Frame): void {
    if (node.type === "IfStatement" && isMainCheck(node["test"] as Node, frame.module.source)) return;
    if (node.type.startsWith("TS") || node.type === "EmptyStatement") return;
    if (node.type === "BlockStatement") return this.block(node["body"] as Node[], frame);
    if (node.type === "ForOfStatement" || node.type === "ForInStatement") {
      const target =
        (node["left"] as Node).type === "VariableDeclaration"
          ? ((node["left"] as Node)["declarations"][0] as Node)["id"]
          : node["left"];
      this.assign(target as Node, { labels: this.eval(node["right"] as Node, frame).labels }, frame, true);
    }
    const isAlways = node.type === "TryStatement" || node.type === "LabeledStatement";
    if (!isAlways) frame.branches++;
    for (const child of childrenOf(node)) {
      if (child.type.endsWith("Statement") || child.type.endsWith("Declaration")) this.#statement(child, frame);
      else if (child.type === "CatchClause") this.#statement(child["body"] as Node, frame);
      else if (child.type === "SwitchCase") this.block(child["consequent"] as Node[], frame);
      else if (child.type !== "Identifier" && !child.type.endsWith("Pattern")) this.eval(child, frame);
    }
    if (!isAlways) frame.branches--;
    return undefined;
  }

  #declare(node: Node, frame: Frame): void {
    if (node["init"] === null) {
      for (const name of boundNames(node["id"] as Node))
        if (!frame.scope.values.has(name)) frame.scope.values.set(name, NOTHING);
      return;
    }
    this.assign(node["id"] as Node, this.eval(node["init"] as Node, frame), frame, true);
  }

  #import(node: Node, frame: Frame): void {
    if (node["importKind"] === "type") return;
    const from = this.importValue((node["source"] as Node)["value"] as string, frame);
    for (const each of node["specifiers"] as Node[]) {
      const local = (each["local"] as Node)["name"] as string;
      const imported =
        each.type === "ImportSpecifier"
          ? ((each["imported"] as Node)["name"] ?? (each["imported"] as Node)["value"])
          : null;
      const value =
        imported === null
          ? each.type === "ImportDefaultSpecifier"
            ? this.member(from, "default")
            : from
          : this.member(from, imported as string);
      frame.scope.values.set(local, value);
    }
  }

  #export(node: Node, frame: Frame): void {
    const { module } = frame;
    if (node["source"] !== null && node["source"] !== undefined) {
      const from = this.importValue((node["source"] as Node)["value"] as string, frame);
      if (node.type === "ExportAllDeclaration")
        for (const [name, value] of from.module?.exported.props ?? []) module.exported.props?.set(name, value);
      for (const each of (node["specifiers"] ?? []) as Node[])
        module.exported.props?.set(nameOf(each["exported"] as Node), this.member(from, nameOf(each["local"] as Node)));
      return;
    }
    const declaration = node["declaration"] as Node | null;
    if (node.type === "ExportDefaultDeclaration" && declaration !== null) {
      const isDeclared = declaration.type.endsWith("Declaration") && declaration["id"] !== null;
      const value = isDeclared ? undefined : this.eval(declaration, frame);
      if (isDeclared) this.#statement(declaration, frame);
      const name = isDeclared
        ? ((declaration["id"] as Node)["name"] as string)
        : declaration.type === "Identifier"
          ? (declaration["name"] as string)
          : null;
      if (name !== null) module.exports.set("default", name);
      module.exported.props?.set("default", value ?? frame.scope.values.get(name ?? "") ?? NOTHING);
      return;
    }
    if (declaration !== null) {
      this.#statement(declaration, frame);
      const names =
        declaration.type === "VariableDeclaration"
          ? (declaration["declarations"] as Node[]).flatMap((each) => boundNames(each["id"] as Node))
          : [nameOf(declaration["id"] as Node | null)];
      for (const name of names) {
        module.exports.set(name, name);
        module.exported.props?.set(name, frame.scope.values.get(name) ?? NOTHING);
      }
    }
    for (const each of (node["specifiers"] ?? []) as Node[]) {
      module.exports.set(nameOf(each["exported"] as Node), nameOf(each["local"] as Node));
      module.exported.props?.set(
        nameOf(each["exported"] as Node),
        frame.scope.values.get(nameOf(each["local"] as Node)) ?? NOTHING,
      );
    }
  }

  override assign(target: Node, value: Value, frame: Frame, isDeclaration = false): void {
    const at = unwrap(target);
    switch (at.type) {
      case "Identifier":
        return this.#assignName(at, value, frame, isDeclaration);
      case "MemberExpression":
        return this.#assignMember(at, value, frame);
      case "ObjectPattern":
        for (const each of at["properties"] as Node[]) {
          const key = keyOf(each);
          const part =
            each.type === "RestElement" || key === null
              ? { labels: value.labels }
              : this.readMember(value, key, each, frame);
          this.assign((each["value"] ?? each["argument"]) as Node, part, frame, isDeclaration);
        }
        return undefined;
      case "ArrayPattern":
        for (const each of at["elements"] as Array<Node | null>)
          if (each !== null) this.assign(each, { labels: value.labels }, frame, isDeclaration);
        return undefined;
      case "AssignmentPattern":
        return this.assign(
          at["left"] as Node,
          withLabels(value, this.eval(at["right"] as Node, frame).labels),
          frame,
          isDeclaration,
        );
      case "RestElement":
        return this.assign(at["argument"] as Node, { labels: value.labels }, frame, isDeclaration);
      default:
        return undefined;
    }
  }

  #assignName(at: Node, value: Value, frame: Frame, isDeclaration: boolean): void {
    const name = at["name"] as string;
    const scope = isDeclaration ? frame.scope : (frame.scope.find(name) ?? frame.module.scope);
    const before = frame.branches > 0 ? scope.values.get(name)?.labels : undefined;
    const { scope: top } = frame.module;
    scope.values.set(name, before === undefined ? value : withLabels(value, before));
    if (scope === top || (scope.module !== null && scope === scope.module.scope))
      this.state.keep(
        scope.module ?? frame.module,
        name,
        value,
        { module: frame.module, offset: at.start },
        frame.isTop && frame.branches === 0,
      );
    else if (scope !== frame.scope && value.labels.size > 0 && scope.parent !== null && this.state.active.length > 0)
      this.noteCaptured(scope, name, value, at, frame);
  }

  #assignMember(at: Node, value: Value, frame: Frame): void {
    const place = { module: frame.module, offset: at.start };
    const path = frame.module.source.slice(at.start, at.end);
    let root = at;
    while (["MemberExpression", "CallExpression"].includes(root.type))
      root = unwrap((root["object"] ?? root["callee"]) as Node);
    if (root.type === "ThisExpression" || root.type === "Super") {
      const owner = frame.self?.name ?? "this";
      for (const label of value.labels)
        frame.fields.add({
          ...label,
          keptAt: label.keptAt ?? place,
          keptAs: label.keptAs ?? path.replace(/^this/, owner),
        });
      return;
    }
    if (root.type !== "Identifier") return;
    const name = root["name"] as string;
    if (this.#assignExports(at, name, value, frame)) return;
    const scope = frame.scope.find(name);
    const holder = scope?.values.get(name);
    const key = keyOf(at);
    if (holder?.props !== undefined && key !== null && unwrap(at["object"] as Node) === root)
      holder.props.set(key, value);
    if (value.labels.size === 0 && this.state.phase !== "after-restore") return;
    if (scope !== null && scope.module !== null && scope !== scope.module.scope && holder?.cls === undefined)
      scope.values.set(name, withLabels(holder ?? NOTHING, value.labels));
    else this.state.keep(frame.module, path, value, place, false);
  }

  /** `exports.x = …`, `module.exports = …`, `module.exports.x = …` */
  #assignExports(at: Node, root: string, value: Value, frame: Frame): boolean {
    const { names } = frame.module;
    if (frame.scope.find(root) !== null || (root !== names.exports && root !== names.module)) return false;
    const written = frame.module.source.slice(at.start, at.end);
    // As a module that is no part of a bundle would write it.
    const text = root === names.module ? `module${written.slice(root.length)}` : `exports${written.slice(root.length)}`;
    const key = /^(?:module\.)?exports\.(\w+)$/.exec(text)?.[1];
    const place = { module: frame.module, offset: at.start };
    if (text === "module.exports") {
      frame.module.exported = { ...value, props: value.props ?? new Map() };
      this.state.keep(frame.module, "module.exports", { labels: value.labels }, place, true);
    } else if (key !== undefined) {
      frame.module.exported.props?.set(key, value);
      this.state.keep(frame.module, `exports.${key}`, value, place, frame.branches === 0);
    }
    return true;
  }

  override classValue(node: Node, frame: Frame): Value {
    const name = nameOf(node["id"] as Node | null) || "class";
    const base = node["superClass"] === null ? NOTHING : this.eval(node["superClass"] as Node, frame);
    const scope = new Scope(frame.scope);
    const cls: ClassValue = { name, node, scope, base, methods: new Map() };
    const value: Value = { ...NOTHING, cls };
    scope.values.set(name, value);
    const members = (node["body"] as Node)["body"] as Node[];
    for (const member of members) {
      const key = keyOf(member);
      if (member.type === "MethodDefinition" && key !== null)
        cls.methods.set(key, { name: key, node: member["value"] as Node, scope, cls });
      else if (
        member.type === "PropertyDefinition" &&
        key !== null &&
        member["value"] !== null &&
        isFunction(member["value"] as Node)
      )
        cls.methods.set(key, { name: key, node: member["value"] as Node, scope, cls });
    }
    for (const member of members) {
      if (member.type === "StaticBlock") {
        const inner = { ...frame, scope: new Scope(scope), self: cls, fields: new Set<Label>() };
        this.block(member["body"] as Node[], inner);
        this.state.keep(
          frame.module,
          `${name}.static`,
          { labels: inner.fields },
          { module: frame.module, offset: member.start },
          false,
        );
      }
      if (member.type !== "PropertyDefinition" || member["static"] !== true || member["value"] === null) continue;
      const held = this.eval(member["value"] as Node, { ...frame, scope });
      this.state.keep(
        frame.module,
        `${name}.${keyOf(member) ?? "?"}`,
        held,
        { module: frame.module, offset: member.start },
        false,
      );
    }
    return value;
  }

  /** Fields with a value, then the constructor (or the one of the base class). */
  override construct(
    cls: ClassValue,
    values: readonly Value[],
    node: Node,
    frame: Frame,
    depth = 0,
  ): ReadonlySet<never> | Value["labels"] {
    const module = cls.scope.module ?? frame.module;
    const inner = frameOf(module, new Scope(cls.scope), { name: cls.name, node: cls.node, scope: cls.scope, cls }, cls);
    for (const member of (cls.node["body"] as Node)["body"] as Node[]) {
      if (
        member.type !== "PropertyDefinition" ||
        member["static"] === true ||
        member["value"] === null ||
        isFunction(member["value"] as Node)
      )
        continue;
      const held = this.eval(member["value"] as Node, inner);
      const place = { module, offset: member.start };
      for (const label of held.labels)
        inner.fields.add({
          ...label,
          keptAt: label.keptAt ?? place,
          keptAs: label.keptAs ?? `${cls.name}.${keyOf(member) ?? "?"}`,
        });
    }
    const start = cls.methods.get("constructor");
    if (start !== undefined) {
      const { fields } = this.enter(start, values, cls, node);
      return union(inner.fields, fields);
    }
    if (cls.base.cls !== undefined && depth < 20)
      return union(inner.fields, this.construct(cls.base.cls, values, node, frame, depth + 1));
    return inner.fields;
  }
}

function nameOf(node: Node | null): string {
  return node === null ? "" : String(node["name"] ?? node["value"] ?? "");
}

function isMainCheck(test: Node, source: string): boolean {
  return /require\.main|import\.meta\.main/.test(source.slice(test.start, test.end));
}

/** Statements: each branch of a condition and each loop is walked once. */
import { type Frame, frameOf } from "./state.ts";
import { boundNames, childrenOf, nameOf, readInFunctions } from "./syntax.ts";
import { isKnown, type Module, type Node, NOTHING } from "./values.ts";
import type { Walk } from "./walk.ts";

const STEPS_MAX = 400_000;

export class Statements {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  runModule(module: Module): void {
    if (module.isRun) return;
    module.isRun = true;
    for (const name of readInFunctions(module.body)) module.live.add(name);
    const frame = frameOf(module, module.scope, null, null);
    this.block(module.body, frame);
    for (const [name, value] of module.getters) module.exported.props?.set(name, this.#walk.eval(value, frame));
  }

  block(statements: readonly Node[], frame: Frame): void {
    this.#hoist(statements, frame);
    for (const statement of statements) {
      if (++this.#walk.state.steps > STEPS_MAX) return;
      this.statement(statement, frame);
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

  statement(node: Node, frame: Frame): void {
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
        const value = this.#walk.classValue(node, frame);
        if (node["id"] !== null) frame.scope.values.set((node["id"] as Node)["name"] as string, value);
        return undefined;
      }
      case "ExpressionStatement":
        this.#walk.eval(node["expression"] as Node, frame);
        return undefined;
      case "ReturnStatement":
        if (node["argument"] !== null) {
          const value = this.#walk.eval(node["argument"] as Node, frame);
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
      this.#walk.assign(target as Node, { labels: this.#walk.eval(node["right"] as Node, frame).labels }, frame, true);
    }
    const isAlways = node.type === "TryStatement" || node.type === "LabeledStatement";
    if (!isAlways) frame.branches++;
    for (const child of childrenOf(node)) {
      if (child.type.endsWith("Statement") || child.type.endsWith("Declaration")) this.statement(child, frame);
      else if (child.type === "CatchClause") this.statement(child["body"] as Node, frame);
      else if (child.type === "SwitchCase") this.block(child["consequent"] as Node[], frame);
      else if (child.type !== "Identifier" && !child.type.endsWith("Pattern")) this.#walk.eval(child, frame);
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
    this.#walk.assign(node["id"] as Node, this.#walk.eval(node["init"] as Node, frame), frame, true);
  }

  #import(node: Node, frame: Frame): void {
    if (node["importKind"] === "type") return;
    const from = this.#walk.importValue((node["source"] as Node)["value"] as string, frame);
    for (const each of node["specifiers"] as Node[]) {
      const local = (each["local"] as Node)["name"] as string;
      const imported =
        each.type === "ImportSpecifier"
          ? ((each["imported"] as Node)["name"] ?? (each["imported"] as Node)["value"])
          : null;
      const value =
        imported === null
          ? each.type === "ImportDefaultSpecifier"
            ? this.#walk.member(from, "default")
            : from
          : this.#walk.member(from, imported as string);
      frame.scope.values.set(local, value);
    }
  }

  #export(node: Node, frame: Frame): void {
    const { module } = frame;
    if (node["source"] !== null && node["source"] !== undefined) {
      const from = this.#walk.importValue((node["source"] as Node)["value"] as string, frame);
      if (node.type === "ExportAllDeclaration")
        for (const [name, value] of from.module?.exported.props ?? []) module.exported.props?.set(name, value);
      for (const each of (node["specifiers"] ?? []) as Node[])
        module.exported.props?.set(
          nameOf(each["exported"] as Node),
          this.#walk.member(from, nameOf(each["local"] as Node)),
        );
      return;
    }
    const declaration = node["declaration"] as Node | null;
    if (node.type === "ExportDefaultDeclaration" && declaration !== null) {
      const isDeclared = declaration.type.endsWith("Declaration") && declaration["id"] !== null;
      const value = isDeclared ? undefined : this.#walk.eval(declaration, frame);
      if (isDeclared) this.statement(declaration, frame);
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
      this.statement(declaration, frame);
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
}

function isMainCheck(test: Node, source: string): boolean {
  return /require\.main|import\.meta\.main/.test(source.slice(test.start, test.end));
}

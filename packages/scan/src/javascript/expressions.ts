/** Values of expressions; calls are in calls.ts. */
import type { Frame } from "./state.ts";
import { childrenOf, keyOf, unwrap } from "./syntax.ts";
import { type Label, type Node, NO_LABELS, NOTHING, union, type Value, withLabels } from "./values.ts";
import type { Walk } from "./walk.ts";

export class Expressions {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  eval(expression: Node, frame: Frame): Value {
    const node = unwrap(expression);
    switch (node.type) {
      case "Literal":
        return typeof node["value"] === "string" ? { ...NOTHING, text: node["value"] } : NOTHING;
      case "Identifier":
        return this.nameValue(node["name"] as string, frame);
      case "ThisExpression":
        return frame.self === null ? NOTHING : { ...NOTHING, instance: frame.self };
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return {
          ...NOTHING,
          fn: { name: "function", node, scope: frame.scope, ...(frame.self === null ? {} : { cls: frame.self }) },
        };
      case "ClassExpression":
        return this.#walk.classValue(node, frame);
      case "MemberExpression":
        return this.#memberExpression(node, frame);
      case "CallExpression":
        return this.#walk.call(node, frame);
      case "NewExpression":
        return this.#walk.construction(node, frame);
      case "ImportExpression":
        return (node["source"] as Node).type === "Literal"
          ? this.#walk.importValue((node["source"] as Node)["value"] as string, frame)
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

  nameValue(name: string, frame: Frame): Value {
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
    this.#walk.assign(node["left"] as Node, kept, frame);
    return kept;
  }

  #memberExpression(node: Node, frame: Frame): Value {
    const base = this.eval(node["object"] as Node, frame);
    const key = keyOf(node);
    if (key === null) {
      this.eval(node["property"] as Node, frame);
      return { labels: base.labels };
    }
    return this.#walk.readMember(base, key, node, frame);
  }
}

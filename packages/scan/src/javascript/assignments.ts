/** Assignments: to variables, members, patterns and exports. */
import type { Frame } from "./state.ts";
import { keyOf, unwrap } from "./syntax.ts";
import { type Node, NOTHING, type Value, withLabels } from "./values.ts";
import type { Walk } from "./walk.ts";

export class Assignments {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  assign(target: Node, value: Value, frame: Frame, isDeclaration = false): void {
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
              : this.#walk.readMember(value, key, each, frame);
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
          withLabels(value, this.#walk.eval(at["right"] as Node, frame).labels),
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
      this.#walk.state.keep(
        scope.module ?? frame.module,
        name,
        value,
        { module: frame.module, offset: at.start },
        frame.isTop && frame.branches === 0,
      );
    else if (
      scope !== frame.scope &&
      value.labels.size > 0 &&
      scope.parent !== null &&
      this.#walk.state.active.length > 0
    )
      this.#walk.noteCaptured(scope, name, value, at, frame);
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
    if (value.labels.size === 0 && this.#walk.state.phase !== "after-restore") return;
    if (scope !== null && scope.module !== null && scope !== scope.module.scope && holder?.cls === undefined)
      scope.values.set(name, withLabels(holder ?? NOTHING, value.labels));
    else this.#walk.state.keep(frame.module, path, value, place, false);
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
      this.#walk.state.keep(frame.module, "module.exports", { labels: value.labels }, place, true);
    } else if (key !== undefined) {
      frame.module.exported.props?.set(key, value);
      this.#walk.state.keep(frame.module, `exports.${key}`, value, place, frame.branches === 0);
    }
    return true;
  }
}

/** Classes, their static state, and their construction. */
import { type Frame, frameOf } from "./state.ts";
import { isFunction, keyOf, nameOf } from "./syntax.ts";
import { type ClassValue, type Label, type Node, NOTHING, Scope, union, type Value } from "./values.ts";
import type { Walk } from "./walk.ts";

export class Classes {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  classValue(node: Node, frame: Frame): Value {
    const name = nameOf(node["id"] as Node | null) || "class";
    const base = node["superClass"] === null ? NOTHING : this.#walk.eval(node["superClass"] as Node, frame);
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
        this.#walk.block(member["body"] as Node[], inner);
        this.#walk.state.keep(
          frame.module,
          `${name}.static`,
          { labels: inner.fields },
          { module: frame.module, offset: member.start },
          false,
        );
      }
      if (member.type !== "PropertyDefinition" || member["static"] !== true || member["value"] === null) continue;
      const held = this.#walk.eval(member["value"] as Node, { ...frame, scope });
      this.#walk.state.keep(
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
  construct(cls: ClassValue, values: readonly Value[], frame: Frame, depth = 0): ReadonlySet<Label> {
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
      const held = this.#walk.eval(member["value"] as Node, inner);
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
      const { fields } = this.#walk.enter(start, values, cls);
      return union(inner.fields, fields);
    }
    if (cls.base.cls !== undefined && depth < 20)
      return union(inner.fields, this.construct(cls.base.cls, values, frame, depth + 1));
    return inner.fields;
  }
}

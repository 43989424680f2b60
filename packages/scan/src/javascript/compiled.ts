/** Calls that compilers and bundlers write where the source had an import or an export. */
import type { Frame } from "./state.ts";
import { keyOf } from "./syntax.ts";
import { type Node, NO_LABELS, NOTHING, type Value } from "./values.ts";
import type { Walk } from "./walk.ts";
import { exportsOf } from "./webpack.ts";

const STAR = /(^|\.)__(exportStar|export_star)\d*$/;

export class CompiledCalls {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  /**
   * Takes an export that a compiler wrote: `Object.defineProperty(exports, "v4", { get: … })`,
   * `__exportStar(require("./other"), exports)`.
   */
  exportsByCall(name: string, given: readonly Node[], values: readonly Value[], frame: Frame): boolean {
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

  /**
   * webpack's own calls: `require("./other.js")`, `require.d(exports, …)`, `require.n(module)`. Null: it is another
   * call.
   */
  ofBundle(target: Node, given: readonly Node[], node: Node, frame: Frame): Value | null {
    const { module } = frame;
    const [first] = given;
    const asked = (target.type === "FunctionExpression" ? (target["id"] as Node | null) : target)?.["name"] as
      | string
      | undefined;
    if (asked !== undefined && asked === module.bundle?.require && first?.type === "Literal") {
      const found = this.#walk.modules.bundled(module, String(first["value"]));
      if (found === null || !("isRun" in found)) return found;
      this.#walk.runModule(found);
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
    const from = this.#walk.eval(first, frame);
    const returns =
      from.module?.exported.props?.has("default") === true || from.module?.exports.has("default") === true
        ? this.#walk.member(from, "default")
        : from;
    return { ...NOTHING, returns, props: new Map([["a", returns]]) };
  }
}

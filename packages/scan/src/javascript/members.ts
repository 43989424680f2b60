/**
 * Values that are looked up: members of objects and modules, imports, and the hazards that the catalog knows by name.
 */
import type { Frame } from "./state.ts";
import {
  type Label,
  methodOf,
  type Module,
  type Node,
  NO_LABELS,
  NOTHING,
  union,
  type Value,
  withLabels,
} from "./values.ts";
import type { Walk } from "./walk.ts";

/** Read, not called. */
const READS = /^process\.(env\.|pid$)/;

export class Members {
  readonly #walk: Walk;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  importValue(specifier: string, frame: Frame): Value {
    const module = this.#walk.modules.resolve(frame.module, specifier);
    if (module === null) return { ...NOTHING, name: specifier.replace(/^node:/, "") };
    this.#walk.runModule(module);
    return { labels: NO_LABELS, module };
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

  source(names: readonly string[], node: Node, frame: Frame, values: readonly Value[] | null): ReadonlySet<Label> {
    for (const name of names) {
      const found = this.#walk.state.catalog.find(name);
      if (found === null || found.rule === "none" || (found.mode === "noargs" && (values?.length ?? 0) > 0)) continue;
      const rule = found.mode === "generator" && (values?.length ?? 0) > 0 ? "seed" : found.rule;
      const place = { module: frame.module, offset: node.start };
      const label: Label = { rule, what: values === null ? name : `${name.replace("?.", "")}()`, place };
      switch (found.mode) {
        case "execArgv":
          if (!hasOwnExecArgv(values ?? [], node, frame)) return NO_LABELS;
          this.#effect({ ...label, what: `${label.what} with an execArgv of its own` }, name);
          return NO_LABELS;
        case "effect":
          this.#effect(label, name);
          return NO_LABELS;
        case "pool":
          this.#effect({ ...label, rule: "random-generator", what: `the pool of ${label.what}` }, name);
          return new Set([label]);
        default:
          return new Set([label]);
      }
    }
    return NO_LABELS;
  }

  /** Notes a call that is the hazard itself; in an after-restore hook it cures those of Init. */
  #effect(label: Label, name: string): void {
    const { state } = this.#walk;
    const { place } = label;
    if (state.phase === "after-restore") state.curedEffects.add(name);
    else
      state.effects.set(`${place.module.file}:${place.offset}`, {
        label,
        place,
        name,
        phase: state.phase,
        source: name,
      });
  }
}

/** Options name an `execArgv` in which the process's own is not: it has Thaw's `--import`. */
function hasOwnExecArgv(values: readonly Value[], node: Node, frame: Frame): boolean {
  const isGiven = values.some((value) => value.props?.has("execArgv") === true);
  return isGiven && !frame.module.source.slice(node.start, node.end).includes("process.execArgv");
}

/** State of a walk through Init: hazards kept so far, effects, hooks, and state that after-restore hooks set again. */
import type { Catalog } from "../catalog/lookup.ts";
import type { FunctionValue, Label, Module, Place, Scope, Value, ClassValue } from "./values.ts";

export type Phase = "init" | "before-snapshot" | "after-restore";

export interface KeptEvent {
  readonly label: Label;
  readonly place: Place;
  readonly name: string;
  readonly phase: Phase;
}

/** A running function, or a module's top. */
export interface Frame {
  readonly module: Module;
  readonly scope: Scope;
  readonly fn: FunctionValue | null;
  readonly self: ClassValue | null;
  readonly isTop: boolean;
  fields: Set<Label>;
  returned: Set<Label>;
  result: Value | null;
  branches: number;
}

export class ScanState {
  readonly catalog: Catalog;
  readonly kept = new Map<string, { readonly module: Module; readonly name: string; events: KeptEvent[] }>();
  readonly effects = new Map<string, KeptEvent & { readonly source: string }>();
  readonly before: FunctionValue[] = [];
  readonly after: FunctionValue[] = [];
  readonly cured = new Set<string>();
  readonly curedEffects = new Set<string>();
  readonly memo = new Map<
    FunctionValue,
    Array<{ readonly key: string; readonly result: Value; readonly fields: Set<Label> }>
  >();
  readonly active: FunctionValue[] = [];
  /** Kept by the module that made them: another module that imports them adds nothing. */
  readonly #keptAtHome = new Set<Label>();
  phase: Phase = "init";
  steps = 0;

  constructor(catalog: Catalog) {
    this.catalog = catalog;
  }

  static keyOf(module: Module, name: string): string {
    return `${module.file}\t${name}`;
  }

  /**
   * Notes that a value with hazards is kept under a name.
   *
   * @param replaces - True where the value before it is gone: an assignment that always happens.
   */
  keep(owner: Module, name: string, value: Value, place: Place, replaces: boolean): void {
    const key = ScanState.keyOf(owner, name);
    if (this.phase === "after-restore") {
      this.cured.add(key);
      return;
    }
    const labels = [...value.labels].filter((label) => owner === label.place.module || !this.#keptAtHome.has(label));
    for (const label of labels) if (owner === label.place.module) this.#keptAtHome.add(label);
    const events = labels.map((label) => ({
      label,
      place: label.keptAt ?? place,
      name: label.keptAs ?? name,
      phase: this.phase,
    }));
    const known = this.kept.get(key);
    if (known === undefined) {
      if (events.length > 0) this.kept.set(key, { module: owner, name, events });
    } else known.events = replaces ? events : [...known.events, ...events];
  }
}

export function frameOf(module: Module, scope: Scope, fn: FunctionValue | null, self: ClassValue | null): Frame {
  return {
    module,
    scope,
    fn,
    self,
    isTop: fn === null,
    fields: new Set(),
    returned: new Set(),
    result: null,
    branches: 0,
  };
}

/**
 * Knowledge of the walk about a value: the hazards in it, and its nature, as far as that can be told without
 * running it.
 */

// The parser's syntax tree (ESTree with TypeScript). Its union of 200 types would double the code here; the names are
// checked by the tests.
// oxlint-disable-next-line typescript/no-explicit-any
export type Node = { readonly type: string; readonly start: number; readonly end: number } & Record<string, any>;

export interface Place {
  readonly module: Module;
  readonly offset: number;
}

/** A hazard inside a value. */
export interface Label {
  readonly rule: string;
  readonly what: string;
  readonly place: Place;
  /** Place at which an object's own field took it in: the line that is to be changed. */
  readonly keptAt?: Place;
  readonly keptAs?: string;
}

export interface Value {
  readonly labels: ReadonlySet<Label>;
  /** `crypto.randomUUID`: the path of something outside the package. */
  readonly name?: string;
  readonly text?: string;
  readonly fn?: FunctionValue;
  readonly cls?: ClassValue;
  readonly module?: Module;
  /** The class of an object, or of the `this` of a bound method. */
  readonly instance?: ClassValue;
  readonly props?: Map<string, Value>;
  /** Result of a call of it: webpack's getter of a module's default. */
  readonly returns?: Value;
}

export interface FunctionValue {
  readonly name: string;
  readonly node: Node;
  readonly scope: Scope;
  readonly cls?: ClassValue;
}

export interface ClassValue {
  readonly name: string;
  readonly node: Node;
  readonly scope: Scope;
  readonly base: Value;
  readonly methods: Map<string, FunctionValue>;
}

export interface Module {
  readonly path: string;
  /** Relative to the scanned root. */
  readonly file: string;
  readonly source: string;
  readonly body: readonly Node[];
  readonly scope: Scope;
  /** Names at the top that functions read, or other modules import: module state that is alive after Init. */
  readonly live: Set<string>;
  /** export name → local name */
  readonly exports: Map<string, string>;
  /** `module.exports`; its props are the named exports. */
  exported: Value;
  isRun: boolean;
  /** Names that the module has for `module` and `exports`; a bundler may have given them other ones. */
  readonly names: { readonly module: string; readonly exports: string };
  /** Other modules of the bundle that it came from, and the function that it asks for them with. */
  readonly bundle?: {
    readonly modules: ReadonlyMap<string, Node>;
    readonly made: Map<string, Module>;
    readonly require: string;
  };
  /** Exports that are read when they are asked for: name → expression. */
  readonly getters: Map<string, Node>;
}

export class Scope {
  readonly values = new Map<string, Value>();
  readonly parent: Scope | null;
  readonly module: Module | null;

  constructor(parent: Scope | null, module: Module | null = parent?.module ?? null) {
    this.parent = parent;
    this.module = module;
  }

  find(name: string): Scope | null {
    if (this.values.has(name)) return this;
    return this.parent?.find(name) ?? null;
  }
}

export const NO_LABELS: ReadonlySet<Label> = new Set();
export const NOTHING: Value = { labels: NO_LABELS };

export function union(...sets: ReadonlyArray<ReadonlySet<Label>>): ReadonlySet<Label> {
  const filled = sets.filter((set) => set.size > 0);
  if (filled.length === 0) return NO_LABELS;
  const [only] = filled;
  if (filled.length === 1 && only !== undefined) return only;
  return new Set(filled.flatMap((set) => [...set]));
}

export function isKnown(value: Value): boolean {
  return [value.name, value.text, value.fn, value.cls, value.module, value.instance, value.props].some(
    (each) => each !== undefined,
  );
}

export function withLabels(value: Value, labels: ReadonlySet<Label>): Value {
  return labels.size === 0 ? value : { ...value, labels: union(value.labels, labels) };
}

export function without(labels: ReadonlySet<Label>, rules: ReadonlySet<string>): ReadonlySet<Label> {
  return new Set([...labels].filter((label) => !rules.has(label.rule)));
}

export function methodOf(cls: ClassValue, name: string, depth = 0): FunctionValue | undefined {
  return (
    cls.methods.get(name) ??
    (cls.base.cls === undefined || depth > 20 ? undefined : methodOf(cls.base.cls, name, depth + 1))
  );
}

/**
 * The questions that the parts of the interpreter ask one another: each part knows this interface, and none another
 * part.
 */
import type { Modules } from "./modules.ts";
import type { Frame, ScanState } from "./state.ts";
import type { ClassValue, FunctionValue, Label, Module, Node, Scope, Value } from "./values.ts";

/** Result of a function of the package. */
export interface Entered {
  readonly result: Value;
  /** Hazards that it put into fields of its `this`. */
  readonly fields: Set<Label>;
}

export interface Walk {
  readonly state: ScanState;
  readonly modules: Modules;

  /** Runs a module's top once; later calls do nothing. */
  runModule(module: Module): void;
  block(statements: readonly Node[], frame: Frame): void;

  eval(expression: Node, frame: Frame): Value;
  nameValue(name: string, frame: Frame): Value;
  assign(target: Node, value: Value, frame: Frame, isDeclaration?: boolean): void;

  importValue(specifier: string, frame: Frame): Value;
  member(base: Value, key: string): Value;
  /** Like `member`, and a hazard where the member is one that is read, not called. */
  readMember(base: Value, key: string, node: Node, frame: Frame): Value;
  /**
   * Looks names up in the catalog of hazards, the first one that is known.
   *
   * @param values - Arguments of a call; null where it is read, not called.
   */
  source(names: readonly string[], node: Node, frame: Frame, values: readonly Value[] | null): ReadonlySet<Label>;

  call(node: Node, frame: Frame): Value;
  construction(node: Node, frame: Frame): Value;
  /** Takes a compiler's call as an export; false where it is none. */
  exportsByCall(name: string, given: readonly Node[], values: readonly Value[], frame: Frame): boolean;
  /** Carries out a call of the bundler's own; null where it is another call. */
  ofBundle(target: Node, given: readonly Node[], node: Node, frame: Frame): Value | null;

  /** Runs a function of the package with hazards for arguments. */
  enter(fn: FunctionValue, values: readonly Value[], instance: ClassValue | null): Entered;
  /** Makes the function that esbuild's wrapper of a module gives. */
  lazyModule(value: Value | undefined): Value;
  /** Notes that a function put something into a variable of the function around it. */
  noteCaptured(scope: Scope, name: string, value: Value, node: Node, frame: Frame): void;

  classValue(node: Node, frame: Frame): Value;
  /** Runs a constructor; returns the hazards in the fields of the new object. */
  construct(cls: ClassValue, values: readonly Value[], frame: Frame): ReadonlySet<Label>;
}

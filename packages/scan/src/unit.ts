/** Units of a scan: the code of one function each. */
export type Language = "java" | "javascript" | "python";

export interface Unit {
  /** `Resources.Orders`, `orders:live`, or the path as it was given. */
  readonly name: string;
  /** A folder, or a jar. */
  readonly root: string;
  readonly languages: readonly Language[];
  /** Handler as Lambda takes it; null: all that looks like one. */
  readonly handler: string | null;
  /** The folder's own files are what the person edits; a package's are copies. */
  readonly isSource: boolean;
  /** ARNs or logical ids of the function's layers, which are not read. Absent without layers. */
  readonly layers?: readonly string[];
}

export function languageOfRuntime(runtime: string): Language | null {
  if (runtime.startsWith("java")) return "java";
  if (runtime.startsWith("python")) return "python";
  return runtime.startsWith("nodejs") ? "javascript" : null;
}

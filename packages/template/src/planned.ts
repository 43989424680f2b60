/** The parts of a plan: the functions, versions and aliases to deploy, in the words of Lambda's API. */
import type { Problem } from "./problem.ts";
import type { TemplateMap } from "./template.ts";

export interface PlannedFunction {
  readonly logicalId: string;
  readonly name: string;
  /** Members of CreateFunction, without the code. */
  readonly config: TemplateMap;
  readonly code: PlannedCode;
  readonly tags: Readonly<Record<string, string>>;
  readonly autoPublishAlias: string | null;
  /** Text of thaw.prime.json: the events of `Metadata.Thaw.Prime`. */
  readonly primes: string | null;
  readonly reservedConcurrency: number | null;
  /** Environments kept ready for the alias that is published. */
  readonly provisionedConcurrency: number | null;
}

export type PlannedCode =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "object"; readonly bucket: string; readonly key: string }
  | { readonly kind: "inline"; readonly text: string };

export interface PlannedVersion {
  readonly logicalId: string;
  readonly functionName: string;
  readonly description: string | null;
  readonly provisionedConcurrency: number | null;
}

export interface PlannedAlias {
  readonly logicalId: string;
  readonly functionName: string;
  readonly name: string;
  /** A number, `$LATEST`, or the logical id of a planned version. */
  readonly version: string;
  readonly description: string | null;
  readonly provisionedConcurrency: number | null;
}

export interface Plan {
  readonly functions: readonly PlannedFunction[];
  readonly versions: readonly PlannedVersion[];
  readonly aliases: readonly PlannedAlias[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

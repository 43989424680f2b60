/** The parts of a plan: the layers, functions, versions and aliases to deploy, in the words of Lambda's API. */
import type { Note, Problem } from "./problem.ts";
import type { MadeUp } from "./references.ts";
import type { TemplateMap } from "./value.ts";

/** A version of a layer, which is published where the newest one is another. */
export interface PlannedLayer {
  readonly logicalId: string;
  readonly name: string;
  /** Members of PublishLayerVersion, without the content. */
  readonly config: TemplateMap;
  readonly code: PlannedCode;
}

export interface PlannedFunction {
  readonly logicalId: string;
  readonly name: string;
  /** Members of CreateFunction, without the code. May hold marks of layers. */
  readonly config: TemplateMap;
  readonly code: PlannedCode;
  readonly tags: Readonly<Record<string, string>>;
  readonly autoPublishAlias: string | null;
  /** Description of the version that is published for the alias. */
  readonly versionDescription: string | null;
  /** Text of thaw.prime.json: the events of `Metadata.Thaw.Prime`. */
  readonly primes: string | null;
  readonly reservedConcurrency: number | null;
  /** `Allow` or `Terminate`; null: Lambda's default. */
  readonly recursiveLoop: string | null;
  /** Environments kept ready for the alias that is published. */
  readonly provisionedConcurrency: number | null;
  /** Stays when the template no longer has it (`DeletionPolicy`). */
  readonly isRetained: boolean;
}

export type PlannedCode =
  | { readonly kind: "path"; readonly path: string }
  /** `version` is missing where the current one is meant. */
  | { readonly kind: "object"; readonly bucket: string; readonly key: string; readonly version?: string }
  | { readonly kind: "inline"; readonly text: string }
  | { readonly kind: "image"; readonly uri: string };

export interface PlannedVersion {
  readonly logicalId: string;
  readonly functionName: string;
  readonly description: string | null;
  /** Digest that the function's code must have; null: any. */
  readonly codeSha256: string | null;
  readonly provisionedConcurrency: number | null;
}

export interface PlannedAlias {
  readonly logicalId: string;
  readonly functionName: string;
  readonly name: string;
  /** A number, `$LATEST`, or the mark of a planned version. */
  readonly version: string;
  readonly description: string | null;
  /** Shares of invokes by version (a number or a mark), besides that of the alias's own. */
  readonly weights: Readonly<Record<string, number>>;
  readonly provisionedConcurrency: number | null;
}

/** The URL of a function or of an alias. */
export interface PlannedUrl {
  readonly logicalId: string;
  readonly functionName: string;
  /** An alias; null: the function itself. */
  readonly qualifier: string | null;
  readonly authType: string;
  readonly invokeMode: string | null;
  /** In the words of Lambda's API; null: none. */
  readonly cors: TemplateMap | null;
}

/** A statement of a resource policy. */
export interface PlannedPermission {
  readonly statementId: string;
  readonly functionName: string;
  readonly qualifier: string | null;
  /** Members of AddPermission besides those above. */
  readonly members: TemplateMap;
}

/** Settings of asynchronous invokes. */
export interface PlannedEventInvoke {
  readonly functionName: string;
  /** `$LATEST`, an alias, a version's number or its mark; perhaps at the end of an ARN. */
  readonly qualifier: string;
  /** Members of PutFunctionEventInvokeConfig, without the two above. */
  readonly config: TemplateMap;
}

export interface Plan {
  /** Names of all functions that the template has under no false condition, also of those that can't be deployed. */
  readonly functionNames: readonly string[];
  readonly layers: readonly PlannedLayer[];
  readonly functions: readonly PlannedFunction[];
  readonly versions: readonly PlannedVersion[];
  readonly aliases: readonly PlannedAlias[];
  readonly urls: readonly PlannedUrl[];
  readonly permissions: readonly PlannedPermission[];
  readonly eventInvokes: readonly PlannedEventInvoke[];
  /** May hold marks of versions and of URLs. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
  /** Variables of functions that name a resource which is not here, with the value that they get. */
  readonly madeUp: readonly MadeUp[];
}

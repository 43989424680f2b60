/** A template with its parameters, as a run needs it: conditions are decided, nothing else is evaluated yet. JSON. */
import type { TemplateMap, TemplateValue } from "@thaw/template/value";
import type { ParameterValue } from "@thaw/template/language/parameters";
import type { DeletionPolicy, Tags } from "./stack-resource.ts";

/** Where a stack is, and its names. */
export interface StackPlace {
  readonly accountId: string;
  readonly region: string;
  readonly stackId: string;
  readonly stackName: string;
  readonly notificationArns: readonly string[];
}

export interface PreparedParameter {
  /** What `Ref` gives: of a NoEcho parameter marks (secrets.ts). */
  readonly value: ParameterValue;
  /** As it was given, which UsePreviousValue gives again; `****` for a NoEcho parameter. */
  readonly given: string;
  /** What SSM gave for it; null: it is none of SSM. */
  readonly resolved: string | null;
  readonly isSecret: boolean;
}

export interface PreparedResource {
  readonly type: string;
  /** Not evaluated. */
  readonly properties: TemplateMap;
  readonly metadata: TemplateMap | null;
  /** Logical ids, all of them in the same template. */
  readonly needs: readonly string[];
  readonly deletionPolicy: DeletionPolicy;
  readonly updateReplacePolicy: DeletionPolicy;
}

export interface PreparedOutput {
  readonly value: TemplateValue;
  readonly description: string | null;
  readonly exportName: TemplateValue | null;
}

export interface Prepared {
  readonly place: StackPlace;
  readonly tags: Tags;
  readonly parameters: Readonly<Record<string, PreparedParameter>>;
  readonly mappings: Readonly<Record<string, TemplateMap>>;
  readonly conditions: Readonly<Record<string, boolean>>;
  /** Exports of other stacks that it imports, and their values. */
  readonly imports: Readonly<Record<string, string>>;
  /** Those whose condition is true, in the order of the template. */
  readonly resources: Readonly<Record<string, PreparedResource>>;
  readonly outputs: Readonly<Record<string, PreparedOutput>>;
}

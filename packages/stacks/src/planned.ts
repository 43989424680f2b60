/** A plan as data. Members are those of AWS's Change, ResourceChange, and ResourceChangeDetail. */
import type { TemplateMap } from "@thaw/template/value";
import type { Prepared } from "./prepared.ts";
import type { ResourceTypes } from "./resource-type.ts";
import type { StackResource } from "./stack-resource.ts";

/** Members are those of AWS's Change, ResourceChange, and ResourceChangeDetail. */
export interface ResourceChange {
  readonly action: "Add" | "Modify" | "Remove";
  readonly logicalId: string;
  readonly physicalId: string | null;
  readonly type: string;
  /** Null for those that are added or removed. */
  readonly replacement: "True" | "False" | "Conditional" | null;
  readonly policyAction: PolicyAction | null;
  readonly scope: readonly ChangeAttribute[];
  readonly details: readonly ChangeDetail[];
  /** For BeforeContext and AfterContext; null: there is nothing of it. Marks are in it: `hideSecrets`. */
  readonly before: TemplateMap | null;
  readonly after: TemplateMap | null;
}

export type PolicyAction =
  | "Delete"
  | "Retain"
  | "Snapshot"
  | "ReplaceAndDelete"
  | "ReplaceAndRetain"
  | "ReplaceAndSnapshot";
export type ChangeAttribute = "Properties" | "Metadata" | "Tags" | "DeletionPolicy" | "UpdateReplacePolicy";

export interface ChangeDetail {
  readonly attribute: ChangeAttribute;
  /** Of the property; null: the attribute itself. */
  readonly name: string | null;
  readonly requiresRecreation: "Never" | "Conditionally" | "Always";
  /** `Dynamic`: the value is known only when the change set is executed. */
  readonly evaluation: "Static" | "Dynamic";
  readonly changeSource:
    | "ResourceReference"
    | "ParameterReference"
    | "ResourceAttribute"
    | "DirectModification"
    | "Automatic";
  readonly causingEntity: string | null;
  /** Such as `/Properties/Handler`. */
  readonly path: string;
  readonly attributeChangeType: "Add" | "Remove" | "Modify";
  /** As texts or JSON; null: there is none. Unknown ones are `{{changeSet:KNOWN_AFTER_APPLY}}`. */
  readonly beforeValue: string | null;
  readonly afterValue: string | null;
}

/** JSON; a change set keeps it, and an operation carries it out. */
export interface Plan {
  readonly target: Prepared;
  readonly changes: readonly ResourceChange[];
  /** False: "No updates are to be performed." */
  readonly isChange: boolean;
  /** What the template's text does not say of itself, for the reason of the first event; absent: nothing. */
  readonly note?: string;
}

export interface PlanInput {
  readonly target: Prepared;
  /** What the stack was made by last; null: it is new. */
  readonly previous: Prepared | null;
  readonly resources: Iterable<StackResource>;
  readonly types: ResourceTypes;
}

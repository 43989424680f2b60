/** What the planner must know of a type of resources; the server has a handler for each. */
import type { TemplateMap } from "@thaw/template/value";

/** What a change of a property does: `maybe` depends on the values. */
export type PropertyChange = "update" | "replace" | "maybe";

export interface ResourceType {
  readonly name: string;
  /** `recorded`: kept, shown and listed as doing nothing. */
  readonly kind: "real" | "recorded";
  /**
   * All properties of the type that Thaw takes, and what a change of each does: `update` in place, `replace` makes a
   * new thing, `maybe` depends on the values (`ResourceTypes.isReplaced` says it when they are known). Another property
   * is refused by its path before anything is made. A name with dots (`Code.S3Key`) is that of a member: of a map that
   * is named by its members, others are refused. `*` stands for any other property.
   */
  readonly properties: Readonly<Record<string, PropertyChange>>;
  /**
   * Properties of AWS's type that Thaw does not have, each with what to do instead (`leave it out`). They are refused
   * by name, and a template may still give them empty (`Policy: ""`): an empty text, list or structure and `false` mean
   * "none".
   */
  readonly lacks?: Readonly<Record<string, string>>;
  /** Values of properties, or items of their lists, that Thaw does not have, each with what to do instead. */
  readonly lacksValues?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly required: readonly string[];
  /**
   * Names for `Fn::GetAtt`; null: any name (custom resources, outputs of nested stacks).
   */
  readonly attributes: readonly string[] | null;
  /** The property that gives the thing a name of its own; null: there is none. */
  readonly nameProperty: string | null;
  /** True: it bears tags, so that a change of the stack's tags is one of the resource. */
  readonly isTaggable: boolean;
  /** True where `DeletionPolicy: Snapshot` has a meaning. */
  readonly canSnapshot: boolean;
}

/** The types of an installation. */
export interface ResourceTypes {
  /** Null: refused, or unknown. */
  find(type: string): ResourceType | null;
  /** Why a type of AWS's is refused, as a sentence that says what to do; null: AWS has no such type. */
  refusal(type: string): string | null;
  /** Says by all values whether a change of `maybe` properties replaces the thing. */
  isReplaced(type: string, before: TemplateMap, after: TemplateMap): boolean;
}

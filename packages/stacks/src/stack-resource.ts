/** A resource of a stack, as it is kept and shown: a row for each thing that was made. */
import type { TemplateMap } from "@thaw/template/value";

export type ResourceStatus =
  | `${"CREATE" | "UPDATE" | "DELETE"}_${"IN_PROGRESS" | "COMPLETE" | "FAILED"}`
  | "DELETE_SKIPPED";
export type DeletionPolicy = "Delete" | "Retain" | "RetainExceptOnCreate" | "Snapshot";
export type Tags = Readonly<Record<string, string>>;

/** What a template says of a resource, as it was last applied. */
export interface Applied {
  /**
   * Dynamic references are unresolved in it, and a value of a NoEcho parameter is a mark of its name and digest
   * (secrets.ts): plain secrets are never stored.
   */
  readonly properties: TemplateMap;
  /** Those of the stack. */
  readonly tags: Tags;
  readonly metadata: TemplateMap | null;
  /** Logical ids that were needed: they are removed after it. */
  readonly needs: readonly string[];
  /** Keys of rows that its values refer to: an old thing's are those of other old ones. They may be gone. */
  readonly neededKeys: readonly string[];
  readonly deletionPolicy: DeletionPolicy;
  readonly updateReplacePolicy: DeletionPolicy;
}

export interface Before extends Applied {
  /** `Head.base` when it was changed. */
  readonly since: number;
}

/** What `Ref` and `Fn::GetAtt` of it give. */
export interface Known {
  /** What `Ref` gives, where it is not the physical id. */
  readonly ref: string | null;
  readonly attributes: TemplateMap;
}

export interface StackResource extends Applied, Known {
  /** Unique in the stack: an old thing and its replacement have the same logical id and two rows. */
  readonly key: string;
  readonly logicalId: string;
  readonly type: string;
  /** Null: nothing was made yet. */
  readonly physicalId: string | null;
  /** True: something took its place, or it is to go; it is not shown, and removed in the clean-up. */
  readonly isObsolete: boolean;
  /** Keys of rows that it may refer to still: what was to end that has failed, or is not done. */
  readonly staleKeys: readonly string[];
  /** True: its creation failed, so that it is not changed, but made anew. */
  readonly isIncomplete: boolean;
  /** `Head.base` when it was made: a rollback to that base removes it. */
  readonly madeSince: number;
  /** `Head.run` that has dealt with it last. */
  readonly run: number;
  /** What a rollback brings back; null, or of another base: nothing was changed since the last stable state. */
  readonly before: Before | null;
  readonly status: ResourceStatus;
  readonly statusReason: string | null;
  readonly updatedAtMs: number;
}

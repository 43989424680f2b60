/**
 * The run of a stack's deployment as data: what the durable runner keeps, tells and is told. `begin` and `next`
 * (next.ts) decide; the runner commits what changed, then carries the commands out, then tells their results.
 *
 * A step is one commit: `head`, the resources that changed, and the events, together. A command is carried out after
 * the commit that holds it among `head.pending`, so a server that starts again finds there what may have been begun:
 * it carries all of them out again.
 */
import type { TemplateMap } from "@thaw/template/value";
import type { Plan } from "./planned.ts";
import type { ResourceTypes } from "./resource-type.ts";
import type { StackPolicy } from "./stack-policy.ts";
import type { ResourceStatus, StackResource, Tags } from "./stack-resource.ts";

export type StackStatus =
  | "REVIEW_IN_PROGRESS"
  | `CREATE_${"IN_PROGRESS" | "COMPLETE" | "FAILED"}`
  | `ROLLBACK_${"IN_PROGRESS" | "COMPLETE" | "FAILED"}`
  | `DELETE_${"IN_PROGRESS" | "COMPLETE" | "FAILED"}`
  | `UPDATE_${"IN_PROGRESS" | "COMPLETE" | "FAILED" | "COMPLETE_CLEANUP_IN_PROGRESS"}`
  | `UPDATE_ROLLBACK_${"IN_PROGRESS" | "COMPLETE" | "FAILED" | "COMPLETE_CLEANUP_IN_PROGRESS"}`;

/** What a user asks for. */
export type Operation =
  | {
      readonly kind: "create";
      readonly plan: Plan;
      readonly onFailure: OnFailure;
      readonly retainExceptOnCreate: boolean;
    }
  | {
      readonly kind: "update";
      readonly plan: Plan;
      readonly onFailure: OnFailure;
      readonly retainExceptOnCreate: boolean;
    }
  /** `retain`: logical ids that are left and forgotten. `isForced`: so is what can't be removed. */
  | { readonly kind: "delete"; readonly retain: readonly string[]; readonly isForced: boolean }
  /** RollbackStack. */
  | { readonly kind: "rollback"; readonly retainExceptOnCreate: boolean }
  /** ContinueUpdateRollback. */
  | { readonly kind: "continue"; readonly skip: readonly string[] };

/** `DELETE` is for a creation only. `DO_NOTHING`: DisableRollback. */
export type OnFailure = "ROLLBACK" | "DO_NOTHING" | "DELETE";

/** `forward`: makes and changes. `back`: brings earlier properties back. `clean` and `remove`: remove. */
export type Phase = "forward" | "back" | "clean" | "remove" | "end";

/** What a run is at, beside its resources. JSON. */
export interface Head {
  /** Counts the runs of the stack, from 1. */
  readonly run: number;
  /** The run that ended in the last stable state, to which a rollback goes; 0: there was none. */
  readonly base: number;
  /** Counts rows and commands over the stack's life: keys and tokens are made of it. */
  readonly count: number;
  readonly operation: Operation["kind"];
  readonly phase: Phase;
  readonly status: StackStatus;
  readonly statusReason: string | null;
  /** At most 8; none at an end. */
  readonly pending: readonly Command[];
  /** Why nothing more is begun: the phase is left when what is pending has ended. Null: it goes on. */
  readonly stopReason: string | null;
  readonly onFailure: OnFailure;
  readonly retainExceptOnCreate: boolean;
  readonly isForced: boolean;
  /** Logical ids that are left, or skipped. */
  readonly retain: readonly string[];
  /** How often a removal in the clean-up, or a change in the rollback, has failed, by the key of the row. */
  readonly failures: Readonly<Record<string, number>>;
  /** Set in the commit in which they are in force, with their exports; null before. */
  readonly outputs: readonly Output[] | null;
}

export interface Output {
  readonly key: string;
  readonly value: string;
  readonly description: string | null;
  readonly exportName: string | null;
}

/** One action on one resource, which its handler carries out. */
export type Command = {
  /** Unique for the action in the stack, the same when it is tried again. */
  readonly token: string;
  /** Of the row. */
  readonly key: string;
  readonly logicalId: string;
  readonly type: string;
  /** Of the stack: those that are in force for this action (a rollback brings earlier ones back). */
  readonly tags: Tags;
} & (
  | { readonly action: "create"; readonly properties: TemplateMap }
  | {
      readonly action: "update";
      readonly existing: ExistingResource;
      readonly properties: TemplateMap;
      /**
       * True: an earlier change of it has failed, so it may have other properties than `existing` says. All are to be
       * applied, not only those that differ.
       */
      readonly isUncertain: boolean;
    }
  | { readonly action: "remove"; readonly existing: ExistingResource }
);

/** The thing as it is. Its properties are those last applied, with marks and dynamic references. */
export interface ExistingResource {
  readonly physicalId: string;
  readonly ref: string | null;
  readonly attributes: TemplateMap;
  readonly properties: TemplateMap;
}

export type News =
  /** An update that gives another physical id has replaced the thing: the old one is removed in the clean-up. */
  | { readonly kind: "done"; readonly token: string; readonly made: MadeNews | null }
  /** `physicalId`: what a creation has left all the same, which a rollback removes; null: nothing. */
  | {
      readonly kind: "failed";
      readonly token: string;
      readonly reason: string;
      readonly physicalId: string | null;
    }
  /** CancelUpdateStack. */
  | { readonly kind: "cancel" }
  /** TimeoutInMinutes is over. */
  | { readonly kind: "timeout" };

/** What a handler made; null for a removal. */
export interface MadeNews {
  readonly physicalId: string;
  readonly ref: string | null;
  readonly attributes: TemplateMap;
}

/** What the stack's events show. Times and ids are given by the runner. */
export interface EventDraft {
  /** Null: the event is the stack's own. */
  readonly logicalId: string | null;
  /** Empty: nothing was made yet. */
  readonly physicalId: string;
  readonly type: string;
  readonly status: ResourceStatus | StackStatus;
  readonly reason: string | null;
  /** With marks, which `hideSecrets` (secrets.ts) shows as `****`. */
  readonly properties: TemplateMap | null;
}

/** What `next` decides from. */
export interface Run {
  readonly head: Head;
  /** All rows of the stack, by their key. */
  readonly resources: ReadonlyMap<string, StackResource>;
  /** Of the operation: written once. Null: nothing is made (delete). A rollback has that of the failed run, or null. */
  readonly plan: Plan | null;
}

/** What is around a stack, as it is now. */
export interface RunContext {
  readonly types: ResourceTypes;
  readonly nowMs: number;
  /** Exports of other stacks in the account and region: the names of the stacks, by that of the export. */
  readonly foreignExports: ReadonlyMap<string, string>;
  /** Names of stacks that import an export of this one, by its name. */
  readonly importers: ReadonlyMap<string, readonly string[]>;
  /** Exports of this stack that are in force: values by names. */
  readonly ownExports: ReadonlyMap<string, string>;
  /** In force for an update that goes on. */
  readonly policy: StackPolicy;
}

export interface Step {
  readonly head: Head;
  /** Rows that were written, by their key. */
  readonly put: ReadonlyMap<string, StackResource>;
  /** Keys of rows that are gone. */
  readonly removed: readonly string[];
  readonly events: readonly EventDraft[];
  /** To be carried out now; they are among `head.pending`. */
  readonly commands: readonly Command[];
  /** Tokens of pending commands that need not be finished; their news is awaited as that of others. */
  readonly abort: readonly string[];
}

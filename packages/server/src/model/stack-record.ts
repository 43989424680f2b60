/** A stack as it is kept, beside its rows of resources. */
import type { Plan } from "@thaw/stacks/plan";
import type { Prepared } from "@thaw/stacks/prepared";
import type { EventDraft, Head, Output, StackStatus } from "@thaw/stacks/run";
import type { StackResource } from "@thaw/stacks/stack-resource";

export interface StackRecord {
  /** Its ARN. */
  readonly id: string;
  readonly name: string;
  readonly status: StackStatus;
  readonly statusReason: string | null;
  readonly createdAtMs: number;
  /** Null: it never was. */
  readonly updatedAtMs: number | null;
  /** Null: it is there. */
  readonly deletedAtMs: number | null;
  /** Null: nothing ever ran. */
  readonly head: Head | null;
  readonly outputs: readonly Output[];
  readonly isTerminationProtected: boolean;
  readonly isRollbackDisabled: boolean;
  /** When the creation is given up; null: never. */
  readonly deadlineMs: number | null;
  readonly timeoutMinutes: number | null;
  /** Of a nested stack: those that it is in; null: it is none. */
  readonly parentId: string | null;
  readonly rootId: string | null;
  /** That was executed last, or that the stack was made for. */
  readonly changeSetId: string | null;
  /** As JSON; null: none was ever set. */
  readonly policy: string | null;
  /** Of the update that goes on; null, or missing in a record of an earlier version: the update gave none. */
  readonly updatePolicies?: UpdatePolicies | null;
  /** Each event is later than the one before. */
  readonly lastEventMs: number;
  /** The request that began the run; null: none ever did. */
  readonly request: StackRequest | null;
}

export interface UpdatePolicies {
  /** In force in place of the stack's own; null: its own is. */
  readonly during: string | null;
  /** The stack's own once the update has succeeded; null: it stays. */
  readonly next: string | null;
}

export interface StackRequest {
  readonly operation: string;
  /** Given by the client, which gets the same answer for the same one; null: none was given. */
  readonly clientRequestToken: string | null;
  readonly operationId: string;
  /** Addresses of function URLs and APIs that work for the client, with `{id}` for the id. */
  readonly addresses: StackAddresses;
}

export interface StackAddresses {
  readonly "lambda-url": string;
  readonly "execute-api": string;
}

/** What a stack is, or is to be, made of. */
export interface StackSource {
  /** As it was given, or the JSON of what was given. */
  readonly original: string;
  /** After the transforms; the same text where there are none. */
  readonly processed: string;
  readonly transforms: readonly string[];
  readonly description: string | null;
  readonly prepared: Prepared;
  readonly capabilities: readonly string[];
  readonly roleArn: string | null;
  /** Recorded only. */
  readonly rollbackConfiguration: object;
  readonly secrets: SealedSecrets | null;
}

/** Plain values of NoEcho parameters under a data key, which the keyring has wrapped. Base64. */
export interface SealedSecrets {
  readonly wrapped: string;
  readonly sealed: string;
}

export type ChangeSetType = "CREATE" | "UPDATE" | "IMPORT";

export interface ChangeSetRecord {
  /** Its ARN. */
  readonly id: string;
  readonly name: string;
  readonly type: ChangeSetType;
  readonly description: string | null;
  readonly createdAtMs: number;
  readonly status: "CREATE_COMPLETE" | "FAILED";
  readonly statusReason: string | null;
  readonly executionStatus:
    | "UNAVAILABLE"
    | "AVAILABLE"
    | "EXECUTE_IN_PROGRESS"
    | "EXECUTE_COMPLETE"
    | "EXECUTE_FAILED"
    | "OBSOLETE";
  /** Null where it failed. */
  readonly planned: { readonly plan: Plan; readonly source: StackSource } | null;
  readonly onStackFailure: string | null;
  readonly clientToken: string | null;
  /** Of stacks in the stack, and of those in them; null, or missing in an earlier record: they were not asked for. */
  readonly nested?: readonly NestedChangeSet[] | null;
}

/** A change set of a stack in a stack, which is a part of the root's. */
export interface NestedChangeSet {
  /** Its ARN. */
  readonly id: string;
  readonly name: string;
  /** Of the change set that has its stack among the changes. */
  readonly parentId: string;
  readonly logicalId: string;
  /** Null: the stack is made when the root is executed. */
  readonly stackId: string | null;
  readonly stackName: string | null;
  readonly statusReason: string;
  /** Null: what it changes is known only when it is executed, or it is obsolete. */
  readonly planned: ChangeSetRecord["planned"];
}

/** What belongs to a stack, by kind; each has a key. */
export interface StackParts {
  readonly resource: StackResource;
  /** `current`, and while a run goes on `next`. */
  readonly source: StackSource;
  /** Of the run: key `run`. */
  readonly plan: Plan;
  /** By name. */
  readonly changeSet: ChangeSetRecord;
}

export interface StackEvent extends EventDraft {
  readonly id: string;
  readonly atMs: number;
  readonly request: Pick<StackRequest, "clientRequestToken" | "operationId"> | null;
}

/** An output that other stacks may import. */
export interface StackExport {
  readonly name: string;
  readonly value: string;
  readonly stackId: string;
}

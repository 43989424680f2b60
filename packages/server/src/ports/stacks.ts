/** Stacks as the operations of CloudFormation see them: what they change, and the runs that they begin. */
import type { EventDraft, Operation } from "@thaw/stacks/run";
import type { ResourceTypes } from "@thaw/stacks/resource-type";
import type { Secret } from "@thaw/stacks/secrets";
import type { SealedSecrets, StackRecord } from "../model/stack-record.ts";
import type { Stored } from "./metadata-store.ts";
import type { StackWrite } from "./stack-store.ts";

export interface StackEdit<T> {
  /** Null: nothing is changed, nor begun. */
  readonly record: StackRecord | null;
  readonly writes?: readonly StackWrite[];
  readonly events?: readonly EventDraft[];
  /** A run that begins in the same commit, with `record.request` as what began it. */
  readonly operation?: Operation;
  readonly result: T;
}

export interface Stacks {
  readonly types: ResourceTypes;
  /** A keyed digest, by which values of NoEcho parameters are compared. */
  digest(text: string): string;
  /** Null where there are none. */
  seal(stackId: string, secrets: readonly Secret[]): Promise<SealedSecrets | null>;
  open(stackId: string, sealed: SealedSecrets | null): Promise<readonly Secret[]>;
  /** Makes a stack; null where there is one of its name. Begins its run, if there is one, before it resolves. */
  add<T>(edit: StackEdit<T> & { readonly record: StackRecord }): Promise<T | null>;
  /** Changes a stack, one after the other. Throws what `decide` throws; the stack must be there. */
  change<T>(stackId: string, decide: (stack: Stored<StackRecord>) => Promise<StackEdit<T>> | StackEdit<T>): Promise<T>;
  /** Removes a stack in which nothing was ever made. */
  forget(stackId: string): Promise<void>;
  /** CancelUpdateStack, of a run that goes on. */
  cancel(stackId: string): Promise<void>;
  /** Resolves when the stack's status is another one, or after a time. */
  untilStatusChanges(stack: Pick<StackRecord, "id" | "status">, afterMs: number): Promise<void>;
}

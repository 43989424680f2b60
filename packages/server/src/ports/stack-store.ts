/** Stacks and what belongs to them, beside the metadata of the same scope and as durable. Implemented in store/. */
import type { StackEvent, StackExport, StackParts, StackRecord } from "../model/stack-record.ts";
import type { Committed, Stored } from "./stored.ts";

export type StackPartKind = keyof StackParts;

interface PutPart<K extends StackPartKind> {
  readonly op: "putPart";
  readonly stackId: string;
  readonly kind: K;
  readonly key: string;
  readonly part: StackParts[K];
}

export type StackWrite =
  /** In place of `over`; null: there must be no stack of that name that is not deleted. */
  | { readonly op: "putStack"; readonly record: StackRecord; readonly over: Stored<StackRecord> | null }
  /** With all that belongs to it. */
  | { readonly op: "removeStack"; readonly record: Stored<StackRecord> }
  | { [K in StackPartKind]: PutPart<K> }[StackPartKind]
  | { readonly op: "removePart"; readonly stackId: string; readonly kind: StackPartKind; readonly key: string }
  | { readonly op: "removeParts"; readonly stackId: string; readonly kind: StackPartKind }
  | { readonly op: "addEvent"; readonly stackId: string; readonly event: StackEvent }
  /** Forgets the oldest ones. */
  | { readonly op: "trimEvents"; readonly stackId: string; readonly countMax: number }
  /** In place of those that it had. Another stack must have none of the names. */
  | { readonly op: "setExports"; readonly stackId: string; readonly exports: readonly StackExport[] }
  /** Names of exports, in place of those that it had. */
  | { readonly op: "setImports"; readonly stackId: string; readonly names: readonly string[] };

export interface StackListing {
  /** Newest first; from the one after this: its time of creation and its id. Null: from the first. */
  readonly after: { readonly createdAtMs: number; readonly id: string } | null;
  readonly countMax: number;
  /** True: those that are deleted, too. */
  readonly withDeleted: boolean;
}

export interface StackStore {
  /** Carries out all writes in their order, or none. Durable when it resolves. */
  commit(writes: readonly StackWrite[]): Promise<Committed>;
  getStack(id: string): Promise<Stored<StackRecord> | null>;
  /** The one of that name that is not deleted. */
  findStack(name: string): Promise<Stored<StackRecord> | null>;
  listStacks(listing: StackListing): Promise<ReadonlyArray<Stored<StackRecord>>>;
  countStacks(): Promise<number>;
  /** Those that were deleted before a time. */
  listDeleted(beforeMs: number, countMax: number): Promise<ReadonlyArray<Stored<StackRecord>>>;
  /** Those in which a run has not ended. */
  listRunning(): Promise<ReadonlyArray<Stored<StackRecord>>>;
  getPart<K extends StackPartKind>(stackId: string, kind: K, key: string): Promise<StackParts[K] | null>;
  /** By key. */
  listParts<K extends StackPartKind>(stackId: string, kind: K): Promise<ReadonlyArray<StackParts[K]>>;
  /** Newest first, older than `beforeMs`. */
  listEvents(stackId: string, beforeMs: number, countMax: number): Promise<readonly StackEvent[]>;
  /** By name, after one. */
  listExports(after: string, countMax: number): Promise<readonly StackExport[]>;
  getExport(name: string): Promise<StackExport | null>;
  /** Names of stacks that import an export. */
  listImporters(exportName: string): Promise<readonly string[]>;
}

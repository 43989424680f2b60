/**
 * Functions, versions, aliases, provisioned concurrency, settings of functions, what belongs to the account, accepted
 * events, and what is on its way to destinations.
 *
 * A read is of one moment, two reads are of two. So a decision that rests on what was read names it in the writes that
 * come of it: `commit` carries all of them out, or none where another writer was first. A function's record stands for
 * all that belongs to it: whoever decides by a list (of its versions, its aliases) puts or touches it. The account's
 * revision stands for sums over functions.
 */
import type {
  AccountEntries,
  AliasRecord,
  DeliveryRecord,
  EventRecord,
  FunctionRecord,
  ProvisionedRecord,
  Settings,
  UnfinishedWork,
  VersionRecord,
  VersionUse,
} from "../model/function-record.ts";
import type { Committed, Revision, Stored } from "./stored.ts";
import type { StackStore } from "./stack-store.ts";

export type { Committed, Revision, Stored } from "./stored.ts";

/** What is kept as documents, by kind. */
export interface Documents extends Settings, AccountEntries {
  readonly function: FunctionRecord;
  readonly version: VersionRecord;
  readonly alias: AliasRecord;
  readonly provisioned: ProvisionedRecord;
}

export type DocumentKind = keyof Documents;
export type SettingKind = keyof Settings;
export type AccountEntryKind = keyof AccountEntries;

/**
 * Stores a record in place of `over`; null: there must be none of that key yet, and the function that it belongs to
 * must be there.
 */
interface Put<K extends DocumentKind> {
  readonly op: "put";
  readonly kind: K;
  readonly record: Documents[K];
  readonly over: Stored<Documents[K]> | null;
}

/** Removes a record. With a function goes all that belongs to it, with a version its use. */
interface Remove<K extends DocumentKind> {
  readonly op: "remove";
  readonly kind: K;
  readonly record: Stored<Documents[K]>;
}

/** Writes nothing: the record must be as it was read. */
interface Expect<K extends DocumentKind> {
  readonly op: "expect";
  readonly kind: K;
  readonly record: Stored<Documents[K]>;
}

export type DocumentWrite = {
  [K in DocumentKind]: Put<K> | Remove<K> | Expect<K>;
}[DocumentKind];

export type Write =
  | DocumentWrite
  /** Gives the function's record a new revision, so that others who decide by it notice. */
  | { readonly op: "touchFunction"; readonly record: Stored<FunctionRecord> }
  | { readonly op: "touchAccount"; readonly revision: Revision }
  /** The function must be there. */
  | { readonly op: "addEvent"; readonly event: Omit<EventRecord, "id"> }
  | {
      readonly op: "postponeEvent";
      readonly event: Stored<EventRecord>;
      readonly attempts: number;
      readonly notBeforeMs: number;
    }
  | { readonly op: "removeEvent"; readonly event: Stored<EventRecord> }
  | { readonly op: "addDelivery"; readonly delivery: Omit<DeliveryRecord, "id"> }
  | { readonly op: "postponeDelivery"; readonly delivery: Stored<DeliveryRecord>; readonly notBeforeMs: number }
  | { readonly op: "removeDelivery"; readonly delivery: Stored<DeliveryRecord> }
  /** The last writer wins; a use of a version that is not there is dropped. */
  | { readonly op: "putUse"; readonly use: VersionUse }
  /**
   * The last writer wins; no tries: it is forgotten. Work of a function that is not there is dropped. A commit of
   * nothing but this for events outlives the process, but perhaps not a power cut: each event has one.
   */
  | { readonly op: "putUnfinished"; readonly work: UnfinishedWork };

export interface VersionsWish {
  /** Place in the list, of a version that may have gone; `$LATEST` has the number 0. Null: from the beginning. */
  readonly after: { readonly functionName: string; readonly number: number } | null;
  readonly isLatestOnly: boolean;
  readonly countMax: number;
}

export interface EntriesMeasure {
  readonly count: number;
  readonly sizeBytes: number;
}

export interface MetadataStore {
  /** Stacks, of the same scope and as durable. */
  readonly stacks: StackStore;
  /** Resolves after the next commit by this process, of stacks, too. */
  nextCommit(): Promise<void>;
  /** Carries out all writes in their order, or none. Durable when it resolves. Rejects when the store fails. */
  commit(writes: readonly Write[]): Promise<Committed>;
  /**
   * The user of a new function: one that no function has and that is not among `living`, longest unused first. Null
   * where there is none. Durable when it resolves.
   */
  nextUid(living: ReadonlySet<number>): Promise<number | null>;
  /** Users of all functions. */
  listUids(): Promise<readonly number[]>;
  /** For `touchAccount`. */
  accountRevision(): Promise<Revision>;

  getFunction(name: string): Promise<Stored<FunctionRecord> | null>;
  /** By name. */
  listFunctions(): Promise<ReadonlyArray<Stored<FunctionRecord>>>;

  getVersion(functionName: string, version: string): Promise<Stored<VersionRecord> | null>;
  /** `$LATEST` first, then in the order of publication. */
  listVersions(functionName: string): Promise<ReadonlyArray<Stored<VersionRecord>>>;
  /** Those of all functions, of one moment: by function, then as `listVersions`. */
  listAllVersions(): Promise<ReadonlyArray<Stored<VersionRecord>>>;
  /** A part of them: costs by its length, however many there are. */
  listVersionsAfter(wish: VersionsWish): Promise<ReadonlyArray<Stored<VersionRecord>>>;

  listUses(): Promise<readonly VersionUse[]>;
  listUnfinished(): Promise<readonly UnfinishedWork[]>;

  getAlias(functionName: string, name: string): Promise<Stored<AliasRecord> | null>;
  /** By name. */
  listAliases(functionName: string): Promise<ReadonlyArray<Stored<AliasRecord>>>;

  getProvisioned(functionName: string, qualifier: string): Promise<Stored<ProvisionedRecord> | null>;
  /** By qualifier. */
  listProvisioned(functionName: string): Promise<ReadonlyArray<Stored<ProvisionedRecord>>>;
  /** Those of all functions. */
  listAllProvisioned(): Promise<ReadonlyArray<Stored<ProvisionedRecord>>>;

  getSetting<K extends SettingKind>(
    kind: K,
    functionName: string,
    qualifier: string,
  ): Promise<Stored<Settings[K]> | null>;
  /** By qualifier. */
  listSettings<K extends SettingKind>(kind: K, functionName: string): Promise<ReadonlyArray<Stored<Settings[K]>>>;
  /** Those of all functions: by function, then by qualifier. */
  listAllSettings<K extends SettingKind>(kind: K): Promise<ReadonlyArray<Stored<Settings[K]>>>;

  getAccountEntry<K extends AccountEntryKind>(kind: K, id: string): Promise<Stored<AccountEntries[K]> | null>;
  /** By id. */
  listAccountEntries<K extends AccountEntryKind>(kind: K): Promise<ReadonlyArray<Stored<AccountEntries[K]>>>;
  /** A part of them, after an id (empty: from the beginning): costs by its length, however many there are. */
  listAccountEntriesAfter<K extends AccountEntryKind>(
    kind: K,
    after: string,
    countMax: number,
  ): Promise<ReadonlyArray<Stored<AccountEntries[K]>>>;
  /** How many there are, and how long their documents are together. Reads none of them. */
  measureAccountEntries(kind: AccountEntryKind): Promise<EntriesMeasure>;

  /** Those that are due, oldest first, at most `limitEach` of each function. */
  listEvents(dueMs: number, limitEach: number): Promise<ReadonlyArray<Stored<EventRecord>>>;
  /** Those that are due, longest due first, at most `limitEach` of each destination. */
  listDeliveries(dueMs: number, limitEach: number): Promise<ReadonlyArray<Stored<DeliveryRecord>>>;
  /** When the next delivery after `afterMs` is due; null where there is none. */
  nextDeliveryDueMs(afterMs: number): Promise<number | null>;
  /** When the next event after `afterMs` is due; null where there is none. */
  nextEventDueMs(afterMs: number): Promise<number | null>;

  close(): Promise<void>;
}

/**
 * Functions, versions, aliases and accepted events. Every call is durable when it returns; `transaction` makes several one.
 * Synchronous, as the embedded database is: a decision and its write cannot be torn apart by another request.
 */
import type {
  AliasRecord,
  EventRecord,
  FunctionRecord,
  ProvisionedRecord,
  VersionRecord,
  VersionUse,
} from "../model/function-record.ts";

export interface MetadataStore {
  transaction<T>(run: () => T): T;

  getFunction(name: string): FunctionRecord | null;
  listFunctions(): readonly FunctionRecord[];
  putFunction(record: FunctionRecord): void;
  /** With its versions, aliases and events. */
  removeFunction(name: string): void;
  /** A number never given before. */
  nextUid(): number;

  getVersion(functionName: string, version: string): VersionRecord | null;
  /** `$LATEST` first, then in the order of publication. */
  listVersions(functionName: string): readonly VersionRecord[];
  putVersion(record: VersionRecord): void;
  removeVersion(functionName: string, version: string): void;

  /** Forgotten with the version; a use of a version that is not there is dropped. */
  putUse(use: VersionUse): void;
  listUses(): readonly VersionUse[];

  getAlias(functionName: string, name: string): AliasRecord | null;
  listAliases(functionName: string): readonly AliasRecord[];
  putAlias(record: AliasRecord): void;
  removeAlias(functionName: string, name: string): void;

  getProvisioned(functionName: string, qualifier: string): ProvisionedRecord | null;
  listProvisioned(functionName: string): readonly ProvisionedRecord[];
  /** Of all functions. */
  listAllProvisioned(): readonly ProvisionedRecord[];
  putProvisioned(record: ProvisionedRecord): void;
  removeProvisioned(functionName: string, qualifier: string): void;

  addEvent(event: Omit<EventRecord, "id">): EventRecord;
  /** Those that are due, oldest first, at most `limitEach` of each function. */
  listEvents(dueMs: number, limitEach: number): readonly EventRecord[];
  /** When the next event after `afterMs` is due; null where there is none. */
  nextEventDueMs(afterMs: number): number | null;
  postponeEvent(id: number, attempts: number, notBeforeMs: number): void;
  removeEvent(id: number): void;

  close(): void;
}

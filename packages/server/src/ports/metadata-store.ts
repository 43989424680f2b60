/**
 * Functions, versions, aliases and accepted events. Every call is durable when it returns; `transaction` makes several one.
 * Synchronous, as the embedded database is: a decision and its write cannot be torn apart by another request.
 */
import type { AliasRecord, EventRecord, FunctionRecord, VersionRecord } from "../model/function-record.ts";

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

  getAlias(functionName: string, name: string): AliasRecord | null;
  listAliases(functionName: string): readonly AliasRecord[];
  putAlias(record: AliasRecord): void;
  removeAlias(functionName: string, name: string): void;

  addEvent(event: Omit<EventRecord, "id">): EventRecord;
  /** Those that are due, oldest first. */
  listEvents(dueMs: number, limit: number): readonly EventRecord[];
  postponeEvent(id: number, attempts: number, notBeforeMs: number): void;
  removeEvent(id: number): void;

  close(): void;
}

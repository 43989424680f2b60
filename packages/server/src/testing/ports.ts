export type { Accounts } from "../ports/accounts.ts";
export type { CodeStore } from "../ports/code-store.ts";
export type { CapturedSnapshot, Engine, EngineImages, Sandbox, SandboxExit, SandboxSpec } from "../ports/engine.ts";
export { type DataKey, KeyError } from "../ports/key-provider.ts";
export type { LogEvent, LogOrigin, LogStore } from "../ports/log-store.ts";
export type { MetadataStore, Stored, Write } from "../ports/metadata-store.ts";
export type { ObjectStore } from "../ports/object-store.ts";
export type { AsyncReport, RestoreReport } from "../ports/reports.ts";
export type { RuntimeCatalog, RuntimeRecipe } from "../ports/runtime-catalog.ts";
export type { SandboxHost } from "../ports/sandbox-host.ts";
export type { SnapshotDisk } from "../ports/snapshot-disk.ts";
export type { SnapshotInfo, SnapshotKey, Snapshots } from "../ports/snapshots.ts";
export { type SnapshotStore, SnapshotStoreError, type StoredObject } from "../ports/snapshot-store.ts";
export type { ProcessExit, RuntimeCall, SupervisorLink } from "../ports/supervisor.ts";
export type {
  InvokeInput,
  InvokeOutcome,
  InvokeSuccess,
  RunnableVersion,
  SnapshotOutcome,
  Worker,
  WorkerReport,
} from "../ports/worker.ts";

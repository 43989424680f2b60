export type { AccountStores } from "../ports/account-stores.ts";
export type { Accounts } from "../ports/accounts.ts";
export type { CodeStore } from "../ports/code-store.ts";
export type { CapturedSnapshot, Engine, EngineImages, Sandbox, SandboxExit, SandboxSpec } from "../ports/engine.ts";
export { type DataKey, KeyError, type KeyProvider } from "../ports/key-provider.ts";
export type { LogEvent, LogOrigin, LogStore } from "../ports/log-store.ts";
export type { MetadataStore, Stored, Write } from "../ports/metadata-store.ts";
export type { ObjectStore } from "../ports/object-store.ts";
export { CallError, type CallInput, type CallOutput } from "../ports/service-calls.ts";
export type { AsyncReport, EventSourceReport, InvocationReport, RestoreReport } from "../ports/reports.ts";
export { NO_PASSED_SERVICES, type PassedServices } from "../ports/passed-services.ts";
export type { RuntimeCatalog, RuntimeRecipe } from "../ports/runtime-catalog.ts";
export type { RuntimeInstaller } from "../ports/runtime-installer.ts";
export type { SandboxHost } from "../ports/sandbox-host.ts";
export type { SnapshotDisk } from "../ports/snapshot-disk.ts";
export type { SnapshotInfo, SnapshotKey, Snapshots } from "../ports/snapshots.ts";
export { type SnapshotStore, SnapshotStoreError, type StoredObject } from "../ports/snapshot-store.ts";
export { type ProcessExit, type RuntimeCall, SpawnFailedError, type SupervisorLink } from "../ports/supervisor.ts";
export type {
  InvokeInput,
  InvokeOutcome,
  InvokeSuccess,
  RunnableVersion,
  SnapshotOutcome,
  Worker,
  WorkerReport,
} from "../ports/worker.ts";
export type { PackageSource, WorkerContents } from "../ports/worker-contents.ts";
export type { TemplateTransform } from "../ports/template-transform.ts";
export type { StackStore, StackWrite } from "../ports/stack-store.ts";
export type { DebugNews, DebugTarget } from "../ports/debugging.ts";

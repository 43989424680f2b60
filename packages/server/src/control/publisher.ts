/**
 * Brings published versions from Pending to Active or Failed.
 *
 *   Pending ──without SnapStart──────────────► Active
 *   Pending ──Init, hooks, snapshot──► whole ► Active (OptimizationStatus On)
 *                                 └► failed ► Failed
 *   Active  ──snapshot lost or damaged──► Pending (Restoring) ─► …
 *
 * The row is written last: a crash before leaves the version Pending, and the next start takes it up again with a new snapshot.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { newSnapshotId, type SnapshotId } from "../base/ids.ts";
import {
  ACTIVE_STATE,
  failedState,
  LATEST,
  REGENERATING_STATE,
  type SnapshotKeyRecord,
  type StateFields,
  type VersionRecord,
} from "../model/function-record.ts";
import type { SnapshotOutcome } from "../ports/worker.ts";
import { toRunnableVersion } from "./runnable-version.ts";
import type { ControlServices } from "./services.ts";

/** The host or the server goes: the next start takes the version up again. */
const LEFT_PENDING = new Set(["SANDBOX_LOST", "WORKER_CLOSING"]);

/** AWS's StateReasonCode for a key that does not answer. */
const KEY_REASONS: Readonly<Record<string, string>> = {
  KMS_ACCESS_DENIED: "KMSKeyAccessDenied",
  KMS_DISABLED: "DisabledKMSKey",
  KMS_INVALID_STATE: "InvalidStateKMSKey",
  KMS_NOT_FOUND: "KMSKeyNotFound",
};

interface Job {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class Publisher {
  readonly #services: ControlServices;
  readonly #jobs = new Map<string, Job>();
  #isClosing = false;

  constructor(services: ControlServices) {
    this.#services = services;
  }

  begin(record: VersionRecord): void {
    const key = keyOf(record);
    if (this.#jobs.has(key) || this.#isClosing) return;
    const abort = new AbortController();
    const done = this.#bring(record, abort.signal)
      .catch((error: unknown) => this.#services.onProblem(`publish ${key}`, error))
      .finally(() => this.#jobs.delete(key));
    this.#jobs.set(key, { abort, done });
  }

  /** The version has been deleted: its work is stopped, its snapshot goes. */
  forget(record: VersionRecord): void {
    this.#jobs.get(keyOf(record))?.abort.abort();
    if (record.snapshotId !== null) void this.#removeSnapshot(record.snapshotId);
  }

  /** The snapshot of an Active version can't be used any more: it is made anew. */
  regenerate(record: VersionRecord): void {
    const { store, random } = this.#services;
    const pending = store.transaction(() => {
      const current = store.getVersion(record.functionName, record.version);
      if (current === null || current.snapshotId !== record.snapshotId) return null;
      const next = { ...current, ...REGENERATING_STATE, snapshotId: null, snapshotKey: null, isRegenerating: true, revisionId: random.uuid() };
      store.putVersion(next);
      return next;
    });
    if (pending === null) return;
    if (record.snapshotId !== null) void this.#removeSnapshot(record.snapshotId);
    this.begin(pending);
  }

  /** After a start: half-made versions are taken up again, snapshots that nobody names are removed, lost ones are made anew. */
  async reconcile(): Promise<void> {
    const { store, worker } = this.#services;
    const present = await this.#listSnapshots();
    const named = new Set<SnapshotId>();
    for (const owner of store.listFunctions()) {
      for (const record of store.listVersions(owner.name)) {
        if (record.version === LATEST) continue;
        if (record.snapshotId !== null) named.add(record.snapshotId);
        if (record.state === "Pending") this.begin(record);
        else if (record.state === "Active" && record.snapshotId !== null && present?.has(record.snapshotId) === false && worker.snapshotsProblem() === null)
          this.regenerate(record);
      }
    }
    try {
      await worker.sweepSnapshots(named);
    } catch (error) {
      this.#services.onProblem("remove snapshots that nobody names", error);
    }
  }

  /** Null where it can't be told which are there: none is made anew for that. An invoke finds out. */
  async #listSnapshots(): Promise<ReadonlySet<SnapshotId> | null> {
    try {
      return new Set(await this.#services.worker.listSnapshots());
    } catch (error) {
      this.#services.onProblem("list the snapshots", error);
      return null;
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const jobs = [...this.#jobs.values()];
    for (const job of jobs) job.abort.abort();
    await Promise.all(jobs.map((job) => job.done));
  }

  async #bring(record: VersionRecord, signal: AbortSignal): Promise<void> {
    if (record.config.snapStartApplyOn !== "PublishedVersions") {
      await nextTurn();
      this.#finish(record, ACTIVE_STATE, null, null);
      return;
    }
    const snapshotId = newSnapshotId();
    let outcome = await this.#createSnapshot(record, snapshotId, signal);
    // An environment that was taken away says nothing about the function.
    if (outcome.kind === "platform-error" && outcome.code === "WORKER_ENVIRONMENT_LOST") outcome = await this.#createSnapshot(record, snapshotId, signal);
    if (outcome.kind === "cancelled") return;
    if (outcome.kind === "platform-error" && LEFT_PENDING.has(outcome.code)) return;
    if (outcome.kind === "ready") {
      if (!this.#finish(record, ACTIVE_STATE, snapshotId, outcome.snapshotKey)) await this.#removeSnapshot(snapshotId);
    } else if (outcome.kind === "function-error") this.#finish(record, failedState(outcome.reason, outcome.reasonCode), null, null);
    else {
      this.#services.onProblem(`snapshot of ${keyOf(record)}: ${outcome.code}`, new Error(outcome.message));
      this.#finish(record, failedState(outcome.message, KEY_REASONS[outcome.code] ?? "InternalError"), null, null);
    }
  }

  async #createSnapshot(record: VersionRecord, snapshotId: SnapshotId, signal: AbortSignal): Promise<SnapshotOutcome> {
    const owner = this.#services.store.getFunction(record.functionName);
    if (owner === null) return { kind: "cancelled" };
    return this.#services.worker.createSnapshot({ ...toRunnableVersion(this.#services.scope, owner, record), snapshotId }, snapshotId, signal);
  }

  /** False where the version has gone meanwhile. */
  #finish(record: VersionRecord, state: StateFields, snapshotId: SnapshotId | null, snapshotKey: SnapshotKeyRecord | null): boolean {
    const { store, random } = this.#services;
    return store.transaction(() => {
      const current = store.getVersion(record.functionName, record.version);
      if (current === null || current.revisionId !== record.revisionId) return false;
      store.putVersion({ ...current, ...state, snapshotId, snapshotKey, isRegenerating: false, revisionId: random.uuid() });
      return true;
    });
  }

  async #removeSnapshot(snapshotId: SnapshotId): Promise<void> {
    try {
      await this.#services.worker.removeSnapshot(snapshotId);
    } catch (error) {
      this.#services.onProblem(`remove ${snapshotId}`, error);
    }
  }
}

function keyOf(record: VersionRecord): string {
  // A deleted and newly made function of the same name is another one.
  return `${record.functionName}:${record.version}:${record.revisionId}`;
}

/** The snapshots of published versions, for operators: where each stands, and what is under way. */
import type { SnapshotId } from "../../base/ids.ts";
import { LATEST, type VersionRecord } from "../../model/function-record.ts";
import { retryAtMs } from "../../model/snapshot-life.ts";
import type { Publisher } from "./publisher.ts";
import type { VersionRestores } from "../../ports/invocation-history.ts";
import type { ControlServices } from "../services.ts";
import type { VersionUses } from "./version-uses.ts";

/**
 * creating: Pending. ready: restored on a cold invoke. refreshing, refresh waiting: the same, while its successor is
 * made or waits for its turn. idle: removed, an invoke brings it back. failed: there is none, Init failed.
 */
export type SnapshotPhase =
  | "creating"
  | "waiting"
  | "ready"
  | "refreshing"
  | "refresh waiting"
  | "refresh failed"
  | "idle"
  | "failed";

export interface SnapshotSummary {
  readonly snapshotId: SnapshotId | null;
  readonly functionName: string;
  readonly version: string;
  readonly runtime: string;
  readonly status: SnapshotPhase;
  readonly reason: string | null;
  readonly createdAt: string | null;
  readonly lastUsedAt: string | null;
  /** Time when it is removed unless it is used before. Null: never. */
  readonly expiresAt: string | null;
  readonly retryAt: string | null;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Bytes that it added to the store when it was taken. */
  readonly newBytes: number;
  /** Connections to the outside that were open when it was taken. Null: a snapshot of an older Thaw, or none. */
  readonly cutConnections: number | null;
  /** Of the invocations that are known, those that a clone was restored for. */
  readonly restores: number;
  readonly restoreP50Ms: number | null;
  readonly runtimeFingerprint: string | null;
  readonly engineFingerprint: string | null;
}

type Needs = Pick<ControlServices, "store" | "limits" | "history">;

const NO_RESTORES: VersionRestores = { restores: 0, restoreP50Ms: null };

export class SnapshotStatus {
  readonly #services: Needs;
  readonly #publisher: Publisher;
  readonly #uses: VersionUses;

  constructor(services: Needs, publisher: Publisher, uses: VersionUses) {
    this.#services = services;
    this.#publisher = publisher;
    this.#uses = uses;
  }

  async list(): Promise<readonly SnapshotSummary[]> {
    const records = (await this.#services.store.listAllVersions()).filter(
      (record) => record.version !== LATEST && record.config.snapStartApplyOn === "PublishedVersions",
    );
    const { history } = this.#services;
    // Once a function: it may have thousands of versions.
    const names = new Set(records.map(({ functionName }) => functionName));
    const restores = new Map([...names].map((name) => [name, history.restores(name)]));
    return records.map((record) =>
      this.#summarise(record, restores.get(record.functionName)?.get(record.version) ?? NO_RESTORES),
    );
  }

  /** Whether a snapshot is being made for it, or waits for its turn. */
  progressOf(record: VersionRecord): "waiting" | "running" | null {
    return this.#publisher.progressOf(record);
  }

  #summarise(record: VersionRecord, { restores, restoreP50Ms }: VersionRestores): SnapshotSummary {
    const { snapshotIdleMs } = this.#services.limits;
    const facts = record.snapshotFacts;
    const lastUseMs = this.#uses.lastUseMs(record.functionName, record.version);
    const failure = record.regenerationFailure;
    return {
      snapshotId: record.snapshotId,
      functionName: record.functionName,
      version: record.version,
      runtime: record.config.runtime,
      status: this.#phaseOf(record),
      reason: record.stateReason,
      createdAt: facts === null ? null : toIso(facts.createdAtMs),
      lastUsedAt: lastUseMs === null ? null : toIso(lastUseMs),
      expiresAt:
        lastUseMs === null || snapshotIdleMs === null || record.snapshotId === null
          ? null
          : toIso(lastUseMs + snapshotIdleMs),
      retryAt: failure === null || failure.isFinal === true ? null : toIso(retryAtMs(failure)),
      memoryBytes: facts?.memoryBytes ?? 0,
      diskBytes: facts?.diskBytes ?? 0,
      newBytes: facts?.newBytes ?? 0,
      cutConnections: facts?.cutConnections ?? null,
      restores,
      restoreP50Ms,
      runtimeFingerprint: facts?.fingerprints.runtime ?? null,
      engineFingerprint: facts?.fingerprints.engine ?? null,
    };
  }

  #phaseOf(record: VersionRecord): SnapshotPhase {
    const progress = this.#publisher.progressOf(record);
    switch (record.state) {
      case "Pending":
        return progress === "waiting" ? "waiting" : "creating";
      case "Failed":
        return "failed";
      case "Inactive":
        return record.regenerationFailure === null ? "idle" : "failed";
      case "Active":
        if (progress !== null) return progress === "running" ? "refreshing" : "refresh waiting";
        return record.regenerationFailure === null ? "ready" : "refresh failed";
    }
  }
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

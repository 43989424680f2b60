/**
 * Looks over all versions and their snapshots, at the start and then every few minutes: what is idle for too long
 * expires, what is lost or no longer fits is made anew, what could be newer is refreshed (the least recently used
 * first), what failed is tried again, and what nobody names is removed from this host. It keeps nothing in memory: each
 * look decides anew from the rows, the host and the clock.
 */
import type { SnapshotId } from "../../base/ids.ts";
import { LATEST, type VersionRecord } from "../../model/function-record.ts";
import { isIdleTooLong, retryAtMs } from "../../model/snapshot-life.ts";
import type { WorkerReport } from "../../ports/worker.ts";
import { canMakeSnapshots, snapshotFit } from "./fit.ts";
import type { Publisher } from "./publisher.ts";
import type { ControlServices } from "../services.ts";
import type { VersionUses } from "./version-uses.ts";
import type { ListedSnapshot } from "../../ports/snapshots.ts";

const INTERVAL_MS_MIN = 100;

type Needs = Pick<ControlServices, "store" | "worker" | "clock" | "limits" | "onProblem">;

/** State of the host, as a look has found it. */
interface Host {
  /** Snapshots that are there; null where that can't be told. */
  readonly present: ReadonlySet<SnapshotId> | null;
  readonly report: WorkerReport;
}

export class SnapshotLife {
  readonly #services: Needs;
  readonly #publisher: Publisher;
  readonly #uses: VersionUses;
  readonly #settleOthers: (versions: readonly VersionRecord[]) => Promise<void>;
  readonly #intervalMs: number;
  #cancelTimer: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  #isClosing = false;

  /** @param settleOthers - Does what a look has to do beside snapshots, with the rows that the look has read. */
  constructor(
    services: Needs,
    publisher: Publisher,
    uses: VersionUses,
    settleOthers: (versions: readonly VersionRecord[]) => Promise<void>,
  ) {
    this.#services = services;
    this.#publisher = publisher;
    this.#uses = uses;
    this.#settleOthers = settleOthers;
    const { snapshotIdleMs, lookIntervalMs } = services.limits;
    this.#intervalMs = Math.min(lookIntervalMs, Math.max(INTERVAL_MS_MIN, (snapshotIdleMs ?? Infinity) / 4));
  }

  /**
   * Sweeps the engine, then looks: a sweep by rows that are older than what is made would remove it. Resolves after the
   * first look.
   *
   * @param versions - All of the store: this look need not read them.
   */
  async start(versions: readonly VersionRecord[]): Promise<void> {
    await this.#sweep(versions);
    await this.#lookOnce(versions);
    this.#schedule();
  }

  /** Looks over all versions and snapshots. One look runs at a time: a second call gets the one that runs. */
  look(): Promise<void> {
    return this.#lookOnce(null);
  }

  #lookOnce(versions: readonly VersionRecord[] | null): Promise<void> {
    this.#looking ??= this.#look(versions)
      .catch((error: unknown) => this.#services.onProblem("look over snapshots", error))
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelTimer?.();
    await this.#looking;
  }

  #schedule(): void {
    if (this.#isClosing) return;
    this.#cancelTimer = this.#services.clock.after(
      this.#intervalMs,
      () => void this.look().then(() => this.#schedule()),
    );
  }

  /** Reads the rows once: with thousands of them that is what a look takes. Whatever acts on one reads it again. */
  async #look(versions: readonly VersionRecord[] | null): Promise<void> {
    const { store, clock } = this.#services;
    // Before the snapshots are listed: one that a row names by now is in the list, or has gone.
    const all = versions ?? (await store.listAllVersions());
    await this.#settleOthers(all);
    const records = this.#byUse(all.filter((record) => record.version !== LATEST && mayNeedVisit(record)));
    const listed = await this.#listSnapshots();
    if (this.#isClosing) return;
    const present = listed && new Set(listed.map(({ snapshotId }) => snapshotId));
    const report = await this.#services.worker.report();
    for (const record of records) {
      if (this.#isClosing) return;
      const current = await store.getVersion(record.functionName, record.version);
      if (current?.revisionId === record.revisionId && current.state === record.state)
        await this.#visit(record, { present, report }, clock.nowMs());
    }
    await this.#removeOrphans(listed ?? [], all);
  }

  /** Once, before anything is made: what no row names goes, and the engine learns what is left. */
  async #sweep(records: readonly VersionRecord[]): Promise<void> {
    try {
      await this.#services.worker.sweepSnapshots(
        records.map((record) => record.snapshotId).filter((id) => id !== null),
      );
    } catch (error) {
      this.#services.onProblem("remove snapshots that nobody names", error);
    }
  }

  /** Null where it can't be told which are there: none is made anew for that. An invoke finds out. */
  async #listSnapshots(): Promise<readonly ListedSnapshot[] | null> {
    try {
      return await this.#services.worker.listSnapshots();
    } catch (error) {
      this.#services.onProblem("list the snapshots", error);
      return null;
    }
  }

  async #visit(record: VersionRecord, { present, report }: Host, nowMs: number): Promise<void> {
    const isIdle = (): boolean => this.#isIdle(record, nowMs);
    const mayRetry = !isIdle() && nowMs >= retryAtMs(record.regenerationFailure);
    if (record.state === "Pending") this.#publisher.begin(record, record.isRegenerating);
    else if (record.state === "Inactive") {
      if (record.regenerationFailure !== null && mayRetry) await this.#publisher.regenerate(record, true);
    } else if (record.snapshotId !== null) {
      if (this.#uses.lastUseMs(record.functionName, record.version) === null)
        await this.#uses.touch(record.functionName, record.version);
      if (isIdle()) await this.#publisher.expire(record, isIdle);
      // Without the runtime or an engine there is nothing to make it anew with; it may fit again when they are back.
      else if (canMakeSnapshots(report, record.config.runtime)) {
        const fit =
          record.snapshotFacts === null
            ? "unfit"
            : snapshotFit(report, record.config.runtime, record.snapshotFacts.fingerprints);
        if (present?.has(record.snapshotId) === false || fit === "unfit")
          await this.#publisher.regenerate(record, true);
        else if (fit === "stale" && mayRetry) this.#publisher.refresh(record);
      }
    }
  }

  #isIdle({ functionName, version }: VersionRecord, nowMs: number): boolean {
    const lastUseMs = this.#uses.lastUseMs(functionName, version);
    return lastUseMs !== null && isIdleTooLong(lastUseMs, nowMs, this.#services.limits.snapshotIdleMs);
  }

  #byUse(records: readonly VersionRecord[]): readonly VersionRecord[] {
    const useOf = (record: VersionRecord): number => this.#uses.lastUseMs(record.functionName, record.version) ?? 0;
    return [...records].sort((a, b) => useOf(a) - useOf(b));
  }

  /**
   * Removes the snapshots of this host that no row names. A snapshot that is only in the far store stays: another host
   * may be about to name it. The engine removes such a snapshot once it is old.
   */
  async #removeOrphans(listed: readonly ListedSnapshot[], before: readonly VersionRecord[]): Promise<void> {
    // In this order: what was listed is being made, or its row was written before the rows are read, or nobody will
    // ever name it.
    const making = this.#publisher.making();
    const namedBefore = new Set(before.map((record) => record.snapshotId));
    // The rows are not read again where nothing is to be removed.
    if (listed.every(({ snapshotId, isHere }) => !isHere || namedBefore.has(snapshotId) || making.has(snapshotId)))
      return;
    const named = new Set((await this.#services.store.listAllVersions()).map((record) => record.snapshotId));
    for (const { snapshotId, isHere } of listed) {
      if (isHere && !named.has(snapshotId) && !making.has(snapshotId)) await this.#publisher.removeSnapshot(snapshotId);
    }
  }
}

/** False for a version that `#visit` leaves as it is: nearly all where few have snapshots. */
function mayNeedVisit({ state, snapshotId, regenerationFailure }: VersionRecord): boolean {
  return state === "Pending" || snapshotId !== null || (state === "Inactive" && regenerationFailure !== null);
}

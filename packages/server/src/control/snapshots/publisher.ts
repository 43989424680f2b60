/**
 * Brings published versions to Active, keeps them there, and lets them go.
 *
 *   Pending ──without SnapStart──────────────► Active
 *   Pending ──its runtime is being installed──► Pending as above, or Failed
 *   Pending ──Init, hooks, snapshot──► whole ► Active (OptimizationStatus On)
 *                                 └► failed ► Failed
 *   Active   ──not used for 14 days──────────► Inactive (Idle)
 *   Active   ──snapshot lost, damaged or unfit──► Pending (Restoring) ──► Active, or Inactive where Init fails
 *   Active   ──its runtime was updated──► Active with the old snapshot while the new one is made; Inactive where Init
 *                                         fails three times
 *   Inactive ──invoked──► Pending (Restoring) ──► …
 *
 * The row is written last: a crash before leaves the version as it was, and the next start takes it up again with a new
 * snapshot; but not for ever: one that was under way at the end of several lives in a row is given up.
 */
import { newSnapshotId, type SnapshotId } from "../../base/ids.ts";
import { ApiError } from "../../model/api-error.ts";
import {
  ACTIVE_STATE,
  failedState,
  IDLE_STATE,
  inactiveState,
  isInstalling,
  REGENERATING_STATE,
  type RegenerationFailure,
  type SnapshotFacts,
  type VersionRecord,
  type Work,
} from "../../model/function-record.ts";
import { PLATFORM_ERRORS, type PlatformCode } from "../../model/platform-errors.ts";
import { REFRESH_ATTEMPTS_MAX, retryAtMs } from "../../model/snapshot-life.ts";
import type { SnapshotOutcome } from "../../ports/worker.ts";
import { toRunnableVersion } from "../records/runnable-version.ts";
import { RuntimeWaits, runtimeFailure } from "../records/runtime-state.ts";
import { TRIES_MAX, type UnfinishedWork } from "../records/unfinished-work.ts";
import type { ControlParts } from "../services.ts";
import { stateChange } from "../records/state-change.ts";
import { SnapshotJobs } from "./snapshot-jobs.ts";
import type { VersionUses } from "./version-uses.ts";

/** The host or the server goes: the next start takes the version up again. */
const LEFT_AS_IT_IS: ReadonlySet<PlatformCode> = new Set<PlatformCode>(["SANDBOX_LOST", "WORKER_CLOSING"]);
const TAKEN_AWAY: ReadonlySet<PlatformCode> = new Set<PlatformCode>(["WORKER_ENVIRONMENT_LOST", "SUPERVISOR_LOST"]);

type Made =
  | Exclude<SnapshotOutcome, { readonly kind: "ready" }>
  | { readonly kind: "ready"; readonly facts: SnapshotFacts };
type Failed = Extract<SnapshotOutcome, { readonly kind: "function-error" | "platform-error" }>;

const GIVEN_UP: Failed = {
  kind: "platform-error",
  code: "PUBLISH_ENDS_SERVER",
  message: PLATFORM_ERRORS.PUBLISH_ENDS_SERVER.message,
};

type Needs = Pick<
  ControlParts,
  "scope" | "store" | "changes" | "worker" | "clock" | "random" | "limits" | "freeDiskBytes" | "onProblem"
>;

export interface Place {
  /** Holds the place. Throws an ApiError where too much is on its way already, or the disk is nearly full. */
  admit(): void;
  leave(): void;
}

export class Publisher {
  readonly #services: Needs;
  readonly #uses: VersionUses;
  readonly #unfinished: UnfinishedWork;
  readonly #jobs: SnapshotJobs;
  readonly #runtimeWaits: RuntimeWaits;
  /** Keys of the jobs of suspects that wait for their turn. */
  readonly #awaited = new Set<string>();
  /** Snapshots that no row names yet. */
  readonly #making = new Set<SnapshotId>();
  /** Places of those that are not in the queue yet. */
  #held = 0;
  #isClosing = false;

  constructor(services: Needs, uses: VersionUses, unfinished: UnfinishedWork) {
    this.#services = services;
    this.#uses = uses;
    this.#unfinished = unfinished;
    this.#jobs = new SnapshotJobs(services.limits, services.onProblem);
    this.#runtimeWaits = new RuntimeWaits(services);
  }

  /**
   * Makes a place for a snapshot that is about to be asked for; it is to be left once that is in the queue, or will not
   * be.
   */
  place(): Place {
    let isHeld = false;
    return {
      admit: () => {
        if (isHeld) return;
        this.#admit();
        this.#held++;
        isHeld = true;
      },
      leave: () => {
        if (isHeld) this.#held--;
        isHeld = false;
      },
    };
  }

  #admit(): void {
    const { limits, freeDiskBytes } = this.#services;
    if (this.#jobs.size + this.#held >= limits.snapshotsPendingMax) {
      // Recorded by hashicorp/terraform-provider-aws#29907.
      throw new ApiError(
        "TooManyRequestsException",
        "Lambda was unable to create new snapshot because you have reached your concurrent snapshot creation limit.",
        {
          Reason: "CallerRateLimitExceeded",
        },
      );
    }
    const freeBytes = freeDiskBytes();
    if (freeBytes < limits.diskFreeMinBytes) {
      const [free, least] = [freeBytes, limits.diskFreeMinBytes].map((bytes) => Math.floor(bytes / 2 ** 20));
      throw new ApiError(
        "ServiceException",
        `The host's disk has ${free} MiB left; a snapshot is made only where there are ${least} MiB. Make room and publish again.`,
      );
    }
  }

  /** Takes a version up that is Pending, unless it is already, or Active without a snapshot. */
  begin(record: VersionRecord, isBackground = false): void {
    if (!isInstalling(record)) return this.#begin(record, isBackground);
    this.#runtimeWaits.begin(record, async (problem) => {
      if (problem === null) this.#begin(record, isBackground);
      else await this.#change(record, runtimeFailure(problem));
    });
  }

  #begin(record: VersionRecord, isBackground: boolean): void {
    const { clock, limits, onProblem } = this.#services;
    if (record.config.snapStartApplyOn === "PublishedVersions")
      this.#add(record, isBackground, (signal) => this.#bring(record, signal));
    else {
      const run = (): unknown => this.#isClosing || this.#bringWithout(record);
      void stateChange(clock, record.state === "Active" ? 0 : limits.stateChangeMs)
        .then(run)
        .catch((error: unknown) => onProblem(`publish ${keyOf(record)}`, error));
    }
  }

  async #bringWithout(record: VersionRecord): Promise<void> {
    if (record.state === "Active") await this.#uses.touch(record.functionName, record.version);
    else await this.#activate(record, null, null);
  }

  /** Makes a new snapshot of an Active version while the old one is still restored. */
  refresh(record: VersionRecord): void {
    this.#add(record, true, (signal) => this.#refresh(record, signal));
  }

  /** Tells whether the version's snapshot is being made or waits for its turn; null where it is neither. */
  progressOf(record: VersionRecord): "waiting" | "running" | null {
    return this.#awaited.has(keyOf(record)) ? "waiting" : this.#jobs.stateOf(keyOf(record));
  }

  /**
   * Lists the snapshots that are being made at the moment. A row that is to name one does before it leaves this list.
   */
  making(): ReadonlySet<SnapshotId> {
    return new Set(this.#making);
  }

  /** Stops the work on a version that has been deleted, and removes its snapshot. */
  forget(record: VersionRecord): void {
    this.#awaited.delete(keyOf(record));
    this.#runtimeWaits.forget(record);
    this.#jobs.cancel(keyOf(record));
    this.#uses.forget(record.functionName, record.version);
    this.#unfinished.leaveTurn(workOf(record));
    void this.#unfinished.ended(workOf(record));
    if (record.snapshotId !== null) void this.removeSnapshot(record.snapshotId);
  }

  /** Initialises again an Active version whose snapshot can't be used any more, or an Inactive one. */
  async regenerate(record: VersionRecord, isBackground = false): Promise<void> {
    const pending = await this.#change(record, { ...REGENERATING_STATE, isRegenerating: true });
    if (pending !== null) this.begin(pending, isBackground);
  }

  /** Lets the snapshot of a version go that was not used for too long, unless it is used meanwhile. */
  async expire(record: VersionRecord, isIdle: () => boolean): Promise<void> {
    await this.#change(record, { ...IDLE_STATE, isRegenerating: false, regenerationFailure: null }, isIdle);
  }

  /**
   * Makes the error for an invoke of a version that has no snapshot at the moment. Starts its Init if that has not been
   * started yet.
   */
  async wake(record: VersionRecord): Promise<ApiError> {
    await this.#uses.touch(record.functionName, record.version);
    if (record.state === "Inactive") {
      if (this.#services.clock.nowMs() < retryAtMs(record.regenerationFailure)) return regenerationFailed();
      await this.regenerate(record);
    } else this.begin(record);
    return notReady();
  }

  async removeSnapshot(snapshotId: SnapshotId): Promise<void> {
    try {
      await this.#services.worker.removeSnapshot(snapshotId);
    } catch (error) {
      // The next sweep finds it.
      this.#services.onProblem(`remove ${snapshotId}`, error);
    }
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#runtimeWaits.close();
    return this.#jobs.close();
  }

  #add(record: VersionRecord, isBackground: boolean, run: (signal: AbortSignal) => Promise<void>): void {
    const { functionName } = record;
    const key = keyOf(record);
    const work = workOf(record);
    const isSuspect = this.#unfinished.isSuspect(work);
    if (!isSuspect) return this.#jobs.add({ key, functionName, isBackground, isAlone: false, run });
    if (this.#awaited.has(key) || this.#jobs.stateOf(key) !== null) return;
    this.#awaited.add(key);
    const runInTurn = async (signal: AbortSignal): Promise<void> => {
      try {
        await run(signal);
      } finally {
        this.#unfinished.leaveTurn(work);
      }
    };
    void this.#unfinished.turn(work).then(() => {
      // Else it has been deleted meanwhile.
      if (this.#awaited.delete(key)) this.#jobs.add({ key, functionName, isBackground, isAlone: true, run: runInTurn });
    });
  }

  async #bring(record: VersionRecord, signal: AbortSignal): Promise<void> {
    if (this.#unfinished.triesOf(workOf(record)) >= TRIES_MAX) return this.#giveUp(record);
    const snapshotId = newSnapshotId();
    await this.#makeFor(snapshotId, record, signal, async (made) => {
      if (made.kind === "ready") return this.#activate(record, snapshotId, made.facts);
      if (made.kind !== "cancelled") await this.#fail(record, made);
      return false;
    });
  }

  async #refresh(record: VersionRecord, signal: AbortSignal): Promise<void> {
    if (this.#unfinished.triesOf(workOf(record)) >= TRIES_MAX) return this.#giveUpRefresh(record);
    const snapshotId = newSnapshotId();
    await this.#makeFor(snapshotId, record, signal, async (made) => {
      if (made.kind === "ready")
        return (
          (await this.#change(record, { snapshotId, snapshotFacts: made.facts, regenerationFailure: null })) !== null
        );
      if (made.kind !== "cancelled") await this.#failRefresh(record, made);
      return false;
    });
  }

  /** Makes a snapshot and hands it to `settle`, which tells whether a row names it now; else it is removed. */
  async #makeFor(
    snapshotId: SnapshotId,
    record: VersionRecord,
    signal: AbortSignal,
    settle: (made: Made) => Promise<boolean>,
  ): Promise<void> {
    this.#making.add(snapshotId);
    let isKept = false;
    try {
      await this.#unfinished.begin(workOf(record));
      const made = await this.#make(record, snapshotId, signal);
      const isLeft = made.kind === "platform-error" && LEFT_AS_IT_IS.has(made.code);
      // It may have been cancelled because the server ends; the end says why.
      if (!isLeft && made.kind !== "cancelled") await this.#unfinished.ended(workOf(record));
      if (!isLeft) isKept = await settle(made);
      if (made.kind === "ready" && !isKept) await this.removeSnapshot(snapshotId);
      // Chunks of half a snapshot, or a whole one whose maker was told of an error. Nobody waits for that.
      else if (made.kind === "platform-error" && !isLeft) void this.removeSnapshot(snapshotId);
    } finally {
      this.#making.delete(snapshotId);
    }
  }

  async #make(record: VersionRecord, snapshotId: SnapshotId, signal: AbortSignal): Promise<Made> {
    let outcome = await this.#createSnapshot(record, snapshotId, signal);
    // An environment that was taken away says nothing about the function; the next one hears whether the host has gone.
    if (outcome.kind === "platform-error" && TAKEN_AWAY.has(outcome.code))
      outcome = await this.#createSnapshot(record, snapshotId, signal);
    if (outcome.kind !== "ready") return outcome;
    const { fingerprints, snapshotKey: key, memoryBytes, diskBytes, newBytes, cutConnections } = outcome;
    return {
      kind: "ready",
      facts: {
        fingerprints,
        key,
        memoryBytes,
        diskBytes,
        newBytes,
        cutConnections,
        createdAtMs: this.#services.clock.nowMs(),
      },
    };
  }

  async #createSnapshot(record: VersionRecord, snapshotId: SnapshotId, signal: AbortSignal): Promise<SnapshotOutcome> {
    const owner = await this.#services.store.getFunction(record.functionName);
    if (owner === null || signal.aborted) return { kind: "cancelled" };
    const runnable = toRunnableVersion(this.#services.scope, owner, record);
    return this.#services.worker.createSnapshot(
      { ...runnable, snapshotId, snapshotFingerprints: null },
      snapshotId,
      signal,
    );
  }

  /** False where the version has gone or changed meanwhile. */
  async #activate(
    record: VersionRecord,
    snapshotId: SnapshotId | null,
    snapshotFacts: SnapshotFacts | null,
  ): Promise<boolean> {
    const changed = await this.#change(record, {
      ...ACTIVE_STATE,
      isRegenerating: false,
      regenerationFailure: null,
      snapshotId,
      snapshotFacts,
    });
    // A version that nobody ever invokes is idle from here on.
    if (changed !== null && this.#uses.lastUseMs(record.functionName, record.version) === null)
      await this.#uses.touch(record.functionName, record.version);
    return changed !== null;
  }

  async #fail(record: VersionRecord, made: Failed): Promise<void> {
    const [reason, code] = this.#reasonOf(record, made);
    if (!record.isRegenerating) await this.#change(record, failedState(reason, code));
    else
      await this.#change(record, {
        ...inactiveState(reason, code),
        isRegenerating: false,
        regenerationFailure: this.#oneMore(record.regenerationFailure),
      });
  }

  /** Fails a version for good: the server ended whenever its snapshot was made. */
  async #giveUp(record: VersionRecord): Promise<void> {
    const [reason, code] = this.#reasonOf(record, GIVEN_UP);
    await this.#change(record, { ...failedState(reason, code), isRegenerating: false });
    await this.#unfinished.ended(workOf(record));
  }

  /** Keeps the old snapshot for as long as it fits. */
  async #giveUpRefresh(record: VersionRecord): Promise<void> {
    this.#reasonOf(record, GIVEN_UP);
    await this.#change(record, {
      snapshotId: record.snapshotId,
      snapshotFacts: record.snapshotFacts,
      regenerationFailure: { ...this.#oneMore(record.regenerationFailure), isFinal: true },
    });
    await this.#unfinished.ended(workOf(record));
  }

  async #failRefresh(record: VersionRecord, made: Failed): Promise<void> {
    const [reason, code] = this.#reasonOf(record, made);
    const failure = this.#oneMore(record.regenerationFailure);
    const isFinal = made.kind === "function-error" && failure.attempts >= REFRESH_ATTEMPTS_MAX;
    if (isFinal) await this.#change(record, { ...inactiveState(reason, code), regenerationFailure: failure });
    else
      await this.#change(record, {
        snapshotId: record.snapshotId,
        snapshotFacts: record.snapshotFacts,
        regenerationFailure: failure,
      });
  }

  #reasonOf(record: VersionRecord, made: Failed): readonly [string, string] {
    if (made.kind === "function-error") return [made.reason, made.reasonCode];
    this.#services.onProblem(
      `snapshot of ${record.functionName}:${record.version}: ${made.code}`,
      new Error(made.message),
    );
    return [made.message, PLATFORM_ERRORS[made.code].stateReasonCode];
  }

  #oneMore(failure: RegenerationFailure | null): RegenerationFailure {
    return { attempts: (failure?.attempts ?? 0) + 1, failedAtMs: this.#services.clock.nowMs() };
  }

  /**
   * Writes a change of a version that is still as `record` has it; without a snapshot unless the change names one. The
   * snapshot that the row named before goes, and with it the environments restored from it: idle ones at once, busy
   * ones after their invoke. Null where the version has gone or changed meanwhile, or `isWanted` says no.
   */
  async #change(
    record: VersionRecord,
    change: Partial<VersionRecord>,
    isWanted: () => boolean = () => true,
  ): Promise<VersionRecord | null> {
    const { store, changes, random, worker, onProblem } = this.#services;
    const { functionName, version } = record;
    const next = await changes.decide<VersionRecord | null>(functionName, async () => {
      const current = await store.getVersion(functionName, version);
      if (current === null || !isSame(current, record) || !isWanted()) return { writes: [], result: null };
      const made = { ...current, snapshotId: null, snapshotFacts: null, ...change };
      // One that `Publish` made gets a new one when it is Active, as its function does (recorded …test_list_functions).
      const isFirst =
        current.state === "Pending" && !current.isRegenerating && current.config.snapStartApplyOn !== "None";
      const changed = isFirst ? made : { ...made, revisionId: random.uuid() };
      return { writes: [{ op: "put", kind: "version", record: changed, over: current }], result: changed };
    });
    if (next === null || record.snapshotId === null || next.snapshotId === record.snapshotId) return next;
    worker.stopEnvironments({ functionName, version }).catch((error: unknown) => onProblem("stop environments", error));
    void this.removeSnapshot(record.snapshotId);
    return next;
  }
}

function notReady(): ApiError {
  return new ApiError(
    "SnapStartNotReadyException",
    "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
  );
}

/** Meaning as in the API model; AWS's live text is not known. */
function regenerationFailed(): ApiError {
  return new ApiError(
    "SnapStartRegenerationFailureException",
    "Lambda couldn't regenerate the SnapStart snapshot for the function. Wait for Lambda to retry, or update the function's configuration and publish a new version. Check the function's logs for initialization errors.",
  );
}

/** A version keeps its RevisionId when it becomes Active for the first time, so the state tells, too. */
function isSame(a: VersionRecord, b: VersionRecord): boolean {
  return a.revisionId === b.revisionId && a.state === b.state;
}

function workOf({ functionName, version }: VersionRecord): Work {
  return { kind: "snapshot", functionName, key: version };
}

function keyOf(record: VersionRecord): string {
  // A deleted and newly made function of the same name is another one.
  return `${record.functionName}:${record.version}:${record.revisionId}`;
}

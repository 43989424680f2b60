/**
 * All environments of this worker: places invokes, makes room, and waits for what ends. Decisions are in placement.ts.
 */
import { strict as assert } from "node:assert";
import { type EnvironmentId, newEnvironmentId } from "../../base/ids.ts";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { InvokeInput, InvokeOutcome, RoomReport, RunnableVersion } from "../../ports/worker.ts";
import type { Driver } from "../environment/driver.ts";
import { Environment, type Life } from "../environment/environment.ts";
import { type EnvironmentView, functionKeyOf } from "../environment/view.ts";
import type { EnvironmentMode, InvokeReply, InvokeRequest, RestoreMode } from "../core/events.ts";
import { serveOnDemand } from "../lives/on-demand.ts";
import { serveParked } from "../lives/parked.ts";
import { serveRestored } from "../lives/restored.ts";
import { FairGate } from "./fair-gate.ts";
import { chooseEvictions, chooseSurplus, type Placement, placeInvoke } from "./placement.ts";
import { ParkedClones } from "./parked-clones.ts";
import { CLOSED } from "../platform-failure.ts";
import type { WorkerServices } from "../worker-services.ts";

/** An environment may end at the moment it is chosen; more often than this is no coincidence. */
const ATTEMPTS_MAX = 8;

/** Returns the snapshot to restore; null where the version has none. */
function snapshotOf({ snapshotId, snapshotKey }: RunnableVersion): RestoreMode | null {
  // Without its key a snapshot is refused by the engine, never passed over.
  return snapshotId === null
    ? null
    : { kind: "restore", snapshotId, key: snapshotKey ?? { keyArn: null, wrapped: "" } };
}

export class EnvironmentPool {
  readonly #services: WorkerServices;
  readonly #environments = new Map<EnvironmentId, Environment>();
  /** Invokes that wait for an environment of their runKey to finish. */
  readonly #waiting = new Map<string, Array<(environment: Environment) => void>>();
  readonly #parked: ParkedClones;
  readonly #restores: FairGate;
  /** Called whenever an environment has become idle or has ended. */
  readonly #onRoom = new Set<() => void>();
  readonly #onPlaced: (environment: Environment) => void;
  #measuring: Promise<void> | null = null;
  #idleOrder = 0;
  #isClosed = false;

  /** `onPlaced` is called when an environment was chosen for an invoke. */
  constructor(services: WorkerServices, onPlaced: (environment: Environment) => void) {
    this.#services = services;
    this.#onPlaced = onPlaced;
    this.#restores = new FairGate(services.limits.restoresAtOnceMax, services.clock);
    this.#parked = new ParkedClones(services, {
      environments: () => this.all,
      park: (version, recipe) => this.#park(version, recipe),
    });
  }

  /** Parks no clones of the versions that these run, until they are used again. */
  forgetParking(environments: readonly Environment[]): void {
    for (const environment of environments) this.#parked.forget(environment.version.runKey);
  }

  get all(): readonly Environment[] {
    return [...this.#environments.values()];
  }

  room(): RoomReport {
    const views = this.all.map((environment) => environment.view);
    const tmpMaxMib = this.#services.limits.tmpMaxMib();
    return {
      memoryMib: views.reduce((sum, { memoryMib }) => sum + memoryMib, 0),
      tmpMib: views.reduce((sum, { tmpSizeMib }) => sum + tmpSizeMib, 0),
      tmpMaxMib: Number.isFinite(tmpMaxMib) ? tmpMaxMib : null,
    };
  }

  async invoke(version: RunnableVersion, recipe: RuntimeRecipe, input: InvokeInput): Promise<InvokeOutcome> {
    let mayWait = true;
    let mayMeasure = this.#services.limits.countsUsedMemory;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      // One that has waited would get an environment that nobody ends any more.
      if (this.#isClosed) return CLOSED;
      const { accountId, runKey, memorySizeMib, tmpSizeMib } = version;
      const functionKey = functionKeyOf(version);
      const waiting = this.#waiting.get(runKey)?.length ?? 0;
      const placement = placeInvoke(
        this.#views(),
        { accountId, functionKey, runKey, memorySizeMib, tmpSizeMib, waiting, mayWait },
        this.#services.limits,
      );
      if (placement.kind === "throttle") {
        if (!mayMeasure) return { kind: "throttled", reason: "ConcurrentInvocationLimitExceeded" };
        mayMeasure = false;
        await this.#measure();
        continue;
      }
      const isClone =
        placement.kind === "create" ||
        (placement.kind === "reuse" && this.#find(placement.environmentId).state === "parked");
      if (isClone && input.parksNone !== true) this.#parked.noteUse(version, recipe);
      const reply = await this.#follow(placement, version, recipe, input);
      if (reply.kind === "waited") mayWait = false;
      else if (reply.kind !== "gone") return reply;
    }
    return {
      kind: "platform-error",
      code: "WORKER_ENVIRONMENT_LOST",
      message: "The execution environments of this version keep ending.",
    };
  }

  #follow(
    placement: Exclude<Placement, { readonly kind: "throttle" }>,
    version: RunnableVersion,
    recipe: RuntimeRecipe,
    input: InvokeInput,
  ): Promise<InvokeReply | { readonly kind: "waited" }> {
    switch (placement.kind) {
      case "reuse":
        return this.#hand(this.#find(placement.environmentId), input);
      case "wait":
        return this.#waitForIdle(version.runKey, input);
      case "create":
        return this.#invokeNew(version, recipe, input, placement.evict);
    }
  }

  /**
   * Starts an environment as soon as there is room for it, idle ones shut down for it where needed. Null when the
   * signal or the end came first.
   */
  async startInRoom<T>(
    version: RunnableVersion,
    recipe: RuntimeRecipe,
    mode: EnvironmentMode,
    signal: AbortSignal,
    life: Life<T>,
  ): Promise<Environment<T> | null> {
    while (!signal.aborted && !this.#isClosed) {
      let evict = chooseEvictions(this.#views(), version, this.#services.limits);
      if (evict === null && this.#services.limits.countsUsedMemory) {
        await this.#measure();
        if (signal.aborted || this.#isClosed) return null;
        evict = chooseEvictions(this.#views(), version, this.#services.limits);
      }
      if (evict !== null && evict.length === 0) return this.start(version, recipe, mode, life);
      await (evict === null ? this.#untilRoom(signal) : this.#evict(evict));
    }
    return null;
  }

  /** Waits until the environment is idle. Null where it has ended. */
  async untilIdle(environmentId: EnvironmentId): Promise<Environment | null> {
    const never = new AbortController().signal;
    for (;;) {
      const environment = this.#environments.get(environmentId);
      if (environment === undefined || environment.isStopping) return null;
      if (environment.state === "idle") return environment;
      await this.#untilRoom(never);
    }
  }

  /** Starts nothing more that waits for its turn or for room. */
  close(): void {
    this.#isClosed = true;
    this.#restores.close();
    this.#parked.close();
    this.#tellRoom();
  }

  start<T>(version: RunnableVersion, recipe: RuntimeRecipe, mode: EnvironmentMode, life: Life<T>): Environment<T> {
    const environmentId = newEnvironmentId();
    const environment = new Environment<T>(
      { environmentId, version, recipe, mode, services: this.#services },
      {
        onIdle: () => {
          const handOver = this.#waiting.get(version.runKey)?.shift();
          if (handOver !== undefined) handOver(environment);
          else if (environment.isRetired) environment.stop();
          // It has been measured: together they may be more than was counted.
          for (const surplus of chooseSurplus(this.#views(), this.#services.limits)) this.#find(surplus).stop();
          this.#tellRoom();
        },
        nextIdleOrder: () => ++this.#idleOrder,
        onStopped: () => {
          this.#environments.delete(environmentId);
          this.#tellRoom();
        },
      },
      life,
    );
    this.#environments.set(environmentId, environment);
    return environment;
  }

  #invokeNew(
    version: RunnableVersion,
    recipe: RuntimeRecipe,
    input: InvokeInput,
    evict: readonly EnvironmentId[],
  ): Promise<InvokeReply> {
    const evicted = this.#evict(evict);
    const snapshot = snapshotOf(version);
    return new Promise((resolve) => {
      const first = { input, reply: resolve };
      const environment = this.start(version, recipe, snapshot ?? { kind: "on-demand" }, async (driver) => {
        await evicted;
        if (snapshot === null) return serveOnDemand(driver, first);
        return this.#restoreInTurn(driver, snapshot, first);
      });
      this.#onPlaced(environment);
      // Answers where the driver broke and never did; a second answer does nothing.
      void environment.stopped.then(() =>
        resolve({ ...CLOSED, message: "The execution environment ended before it answered." }),
      );
    });
  }

  /** Parks a clone where there is room without sending anything else away. Returns false where there is none. */
  #park(version: RunnableVersion, recipe: RuntimeRecipe): boolean {
    const evict = chooseEvictions(this.#views(), version, this.#services.limits);
    const snapshot = snapshotOf(version);
    if (evict === null || evict.length > 0 || snapshot === null) return false;
    this.start(version, recipe, snapshot, (driver) => serveParked(driver, snapshot));
    return true;
  }

  /** Measures all environments, before something is refused for what they might use. One round for all that ask. */
  #measure(): Promise<void> {
    this.#measuring ??= Promise.all(this.all.map((environment) => environment.measure())).then(() => {
      this.#measuring = null;
    });
    return this.#measuring;
  }

  #hand(environment: Environment, input: InvokeInput): Promise<InvokeReply> {
    this.#onPlaced(environment);
    return environment.invoke(input);
  }

  async #restoreInTurn(driver: Driver, snapshot: RestoreMode, first: InvokeRequest): Promise<void> {
    const functionKey = functionKeyOf(driver.core.version);
    if (!(await this.#restores.enter(functionKey, this.#services.limits.restoreWaitMs))) {
      return first.reply({ kind: "throttled", reason: "CallerRateLimitExceeded" });
    }
    void driver.status.restored.then(() => this.#restores.leave(functionKey));
    return serveRestored(driver, snapshot, first);
  }

  #untilRoom(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#onRoom.delete(finish);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      this.#onRoom.add(finish);
      signal.addEventListener("abort", finish, { once: true });
    });
  }

  #tellRoom(): void {
    for (const tell of this.#onRoom) tell();
  }

  async #evict(environmentIds: readonly EnvironmentId[]): Promise<void> {
    const environments = environmentIds.map((environmentId) => this.#find(environmentId));
    for (const environment of environments) environment.stop();
    await Promise.all(environments.map((environment) => environment.stopped));
  }

  /** Gives the invoke to the environment that becomes idle first, at once and so without a freeze in between. */
  #waitForIdle(runKey: string, input: InvokeInput): Promise<InvokeReply | { readonly kind: "waited" }> {
    return new Promise((resolve) => {
      const waiters = this.#waiting.get(runKey) ?? [];
      this.#waiting.set(runKey, waiters);
      const leave = (): void => {
        const index = waiters.indexOf(onIdle);
        if (index !== -1) waiters.splice(index, 1);
        if (waiters.length === 0 && this.#waiting.get(runKey) === waiters) this.#waiting.delete(runKey);
      };
      const { clock, limits } = this.#services;
      const startMs = clock.monotonicMs();
      const look = (): void => {
        const mayGoOn = clock.monotonicMs() - startMs < limits.recordingWaitMs;
        if (mayGoOn && this.all.some(({ version, isRecording }) => isRecording && version.runKey === runKey)) {
          cancel = clock.after(limits.finishingWaitMs, look);
          return;
        }
        leave();
        resolve({ kind: "waited" });
      };
      let cancel = clock.after(limits.finishingWaitMs, look);
      const onIdle = (environment: Environment): void => {
        cancel();
        leave();
        resolve(this.#hand(environment, input));
      };
      waiters.push(onIdle);
    });
  }

  #views(): readonly EnvironmentView[] {
    const views: EnvironmentView[] = [];
    for (const environment of this.#environments.values()) {
      // Stopping environments are left out: the invoke that evicts them waits for them.
      if (!environment.isStopping) views.push(environment.view);
    }
    return views;
  }

  #find(environmentId: EnvironmentId): Environment {
    const environment = this.#environments.get(environmentId);
    assert(environment !== undefined, "an environment was chosen that is not there");
    return environment;
  }
}

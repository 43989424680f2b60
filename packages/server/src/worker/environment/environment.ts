/**
 * One execution environment and its driver: the only writer of its state. Everyone else asks it through its inbox.
 * Its life: start (Init or Restore) with the first invoke at hand, then one invoke after the other, frozen between them, until it
 * is told to stop, fails, or has been idle or alive for too long. Nothing of it is left when `stopped` resolves.
 */
import { strict as assert } from "node:assert";
import type { SnapshotId } from "../../base/ids.ts";
import type { PlatformCode } from "../../model/platform-errors.ts";
import type { EnvironmentSummary } from "../../ports/worker.ts";
import { EnvironmentCore, type EnvironmentOptions, type InvokeReply, type InvokeRequest, tryEngine } from "./core.ts";
import { canTransition, type EnvironmentState } from "./state.ts";
import type { Failure } from "../function-errors.ts";
import type { EnvironmentView } from "../placement/placement.ts";
import { CLOSING } from "../platform-failure.ts";
import { runInit } from "../phases/init.ts";
import { type ColdStart, failInvoke, runInvoke, startInvokeClock, WARM } from "../phases/invoke.ts";
import { parkClone, type RestoreResult, runRestore, runUnpark } from "../phases/restore.ts";
import type { RestoreReport } from "../../ports/reports.ts";
import type { WorkingSetInfo } from "../../ports/snapshot-disk.ts";
import type { SnapshotKey } from "../../ports/snapshots.ts";

export interface EnvironmentListener {
  /** The environment may take an invoke now. */
  onIdle(environment: Environment): void;
  onStopped(environment: Environment): void;
}

/** A source of increasing numbers for the order in which environments became idle. */
export type IdleCounter = () => number;

export class Environment {
  readonly core: EnvironmentCore;
  readonly stopped: Promise<void>;
  /** The snapshot's data is not needed any more, or never was. */
  readonly restored: Promise<void>;
  #tellRestored: () => void = () => undefined;
  readonly createdAtMs: number;
  readonly #listener: EnvironmentListener;
  readonly #nextIdleOrder: IdleCounter;
  readonly #createdMonotonicMs: number;
  #state: EnvironmentState = "starting";
  #isReserved = true;
  #isFinishing = false;
  #isParking = false;
  #idleOrder = 0;
  #invokeCount = 0;
  #lastInvokeAtMs: number | null = null;
  /** The freeze that the last invocation left behind; null while the processes run. */
  #freezing: Promise<void> | null = null;

  constructor(
    options: EnvironmentOptions,
    listener: EnvironmentListener,
    nextIdleOrder: IdleCounter,
    start: (environment: Environment) => Promise<void>,
  ) {
    this.core = new EnvironmentCore(options);
    this.#listener = listener;
    this.#nextIdleOrder = nextIdleOrder;
    this.createdAtMs = options.services.clock.nowMs();
    this.#createdMonotonicMs = options.services.clock.monotonicMs();
    this.restored = new Promise((resolve) => {
      this.#tellRestored = resolve;
    });
    this.stopped = this.#live(() => start(this));
  }

  get state(): EnvironmentState {
    return this.#state;
  }

  /** It is, or is about to become, a parked clone. */
  get isParking(): boolean {
    return this.#isParking;
  }

  get isStopping(): boolean {
    return this.core.isStopRequested || this.#state === "stopping" || this.#state === "stopped";
  }

  get view(): EnvironmentView {
    const { environmentId, version, mode } = this.core;
    return {
      environmentId,
      functionName: version.functionName,
      isProvisioned: mode.kind === "provisioned",
      runKey: version.runKey,
      memorySizeMib: version.memorySizeMib,
      availability: this.#availability(),
      idleOrder: this.#idleOrder,
    };
  }

  get summary(): EnvironmentSummary {
    const { environmentId, version, log, mode, phases } = this.core;
    return {
      environmentId,
      functionName: version.functionName,
      version: version.version,
      state: this.#state,
      logStream: log.logStream,
      createdAtMs: this.createdAtMs,
      lastInvokeAtMs: this.#lastInvokeAtMs,
      isRestored: mode.kind === "restore",
      invokeCount: this.#invokeCount,
      ...phases.show(this.#createdMonotonicMs),
    };
  }

  /** Hands an invoke to an idle environment. `gone` when it ended first: nothing was run, another environment may try. */
  invoke(input: InvokeRequest["input"]): Promise<InvokeReply> {
    assert(!this.#isReserved, "an invoke was handed to an environment that has one");
    this.#isReserved = true;
    return new Promise((reply) => {
      if (this.isStopping) reply({ kind: "gone" });
      else this.core.inbox.put({ kind: "invoke", request: { input, reply } });
    });
  }

  /** After the invoke that runs, if any. */
  stop(): void {
    if (this.isStopping) return;
    this.core.isStopRequested = true;
    this.core.inbox.put({ kind: "stop" });
  }

  /** Now, whatever it does. */
  kill(failure: Failure = CLOSING): void {
    this.core.isStopRequested = true;
    this.core.inbox.put({ kind: "kill", failure });
  }

  transition(to: EnvironmentState): void {
    assert(canTransition(this.#state, to), `environment: ${this.#state} to ${to} is not a transition`);
    if (to !== "restoring") this.#tellRestored();
    this.#isFinishing = false;
    this.#state = to;
  }

  /** The life of an environment made for invokes. */
  async serve(first: InvokeRequest): Promise<void> {
    const failure =
      this.core.mode.kind === "restore" ? await this.#restoreAndInvoke(first) : await this.#initAndInvoke(first);
    if (failure === null) await this.#serveWarm();
  }

  /** The life of a parked clone: restored now, and invoked when somebody takes it. */
  async serveParked(): Promise<void> {
    const { core } = this;
    const { mode } = core;
    assert(mode.kind === "restore", "only a clone can be parked");
    this.#isParking = true;
    this.transition("restoring");
    const parked = await parkClone(core, mode.snapshotId, mode.key);
    // Who stopped it meanwhile was heard there, and says it once.
    if (parked !== null || core.isStopRequested) return;
    this.transition("parked");
    this.#isReserved = false;
    const deadline = core.startDeadline(core.services.limits.parkedIdleMs);
    const request = await this.#takeInvoke(deadline);
    deadline.cancel();
    this.#isParking = false;
    if (request === null) return;
    this.transition("restoring");
    const failure = await this.#invokeRestored(request, await runUnpark(core));
    if (failure === null) await this.#serveWarm();
  }

  /** The life of one that is initialised ahead: until it is stopped, fails, or has lived long enough. */
  async serveProvisioned(onReady: () => void): Promise<void> {
    const created = await this.#createSandbox();
    if (created !== null) return;
    this.transition("initialising");
    const { publishInitTimeoutMs } = this.core.services.limits;
    const deadline = this.core.startDeadline(Math.max(this.core.version.timeoutS * 1000, publishInitTimeoutMs));
    const init = await runInit(this.core, { phase: "init", deadline });
    deadline.cancel();
    if (init.kind === "failed") return;
    onReady();
    return this.#serveWarm();
  }

  #availability(): EnvironmentView["availability"] {
    if (this.#isFinishing) return "finishing";
    return !this.#isReserved && (this.#state === "parked" || this.#state === "idle") ? this.#state : "busy";
  }

  async #serveWarm(): Promise<void> {
    while (!this.core.isStopRequested) {
      const request = await this.#waitIdle();
      if (request === null) return;
      if ((await this.#invokeWarm(request)) !== null) return;
    }
  }

  async #live(start: () => Promise<void>): Promise<void> {
    try {
      await start();
    } catch (error) {
      // A broken invariant: the environment dies, its caller is told, the worker lives.
      this.core.reportProblem("environment driver", error);
    }
    this.core.isStopRequested = true;
    this.transition("stopping");
    for (const event of this.core.inbox.drain()) {
      if (event.kind === "invoke") event.request.reply({ kind: "gone" });
    }
    this.core.log.flushOutput();
    await this.core.destroySandbox();
    this.transition("stopped");
    this.#listener.onStopped(this);
  }

  async #initAndInvoke(first: InvokeRequest): Promise<Failure | null> {
    const created = await this.#createSandbox();
    if (created !== null) return this.#refuse(first, created);
    this.transition("initialising");
    const deadline = this.core.startDeadline(this.core.services.limits.initTimeoutMs);
    const init = await runInit(this.core, { phase: "init", deadline });
    deadline.cancel();
    if (init.kind === "failed") {
      if (init.failure.kind === "platform") return this.#refuse(first, init.failure);
      return this.#initAgainAndInvoke(first);
    }
    return this.#invoke(first, { ...WARM, initDurationMs: init.durationMs });
  }

  /** AWS's suppressed Init: after a failed Init it is run once more within the invoke, under the function's timeout. */
  async #initAgainAndInvoke(first: InvokeRequest): Promise<Failure | null> {
    this.transition("resetting");
    this.core.phases.clear();
    await this.core.destroySandbox();
    const created = await this.#createSandbox();
    if (created !== null) return this.#refuse(first, created);
    this.transition("initialising");
    const clock = startInvokeClock(this.core);
    const init = await runInit(this.core, { phase: "invoke", deadline: clock.deadline });
    if (init.kind === "ready") return this.#invoke(first, WARM, clock);
    if (init.failure.kind === "platform") return this.#refuse(first, init.failure);
    this.transition("invoking");
    await failInvoke(this.core, first, clock, init.failure);
    return init.failure;
  }

  async #restoreAndInvoke(first: InvokeRequest): Promise<Failure | null> {
    const { mode } = this.core;
    assert(mode.kind === "restore", "restore of an environment without a snapshot");
    this.transition("restoring");
    return this.#invokeRestored(first, await runRestore(this.core, mode.snapshotId, mode.key));
  }

  async #invokeRestored(first: InvokeRequest, restore: RestoreResult): Promise<Failure | null> {
    const { mode } = this.core;
    assert(mode.kind === "restore", "restore of an environment without a snapshot");
    if (restore.failure !== null) {
      this.#reportRestore(first, restore);
      return this.#refuse(first, restore.failure);
    }
    const failure = await this.#invoke(first, {
      initDurationMs: null,
      restoreDurationMs: restore.durationMs,
      billedRestoreDurationMs: restore.billedMs,
    });
    await this.#recordWorkingSet(mode.snapshotId, mode.key);
    this.#reportRestore(first, restore);
    return failure;
  }

  /** The caller has its answer; what the clone touched up to here helps the next ones. */
  async #recordWorkingSet(snapshotId: SnapshotId, key: SnapshotKey): Promise<void> {
    const { core } = this;
    try {
      const recorded = await core.services.snapshots?.responded(core.sandbox, snapshotId, key);
      if (recorded === undefined) return;
      notePrefetch(core, recorded);
      core.memory = recorded;
    } catch (error) {
      // A clone that has ended has nothing to tell.
      if (!core.isStopRequested) core.reportProblem("record the working set", error);
    }
  }

  async #invokeWarm(request: InvokeRequest): Promise<Failure | null> {
    const thawed = await tryEngine(async () => {
      await this.#freezing;
      if (this.#freezing !== null) await this.core.sandbox.thaw();
    });
    this.#freezing = null;
    if (!thawed.ok) {
      // Nothing of the invoke was run: another environment may take it.
      request.reply({ kind: "gone" });
      return thawed.failure;
    }
    return this.#invoke(request, WARM);
  }

  async #invoke(request: InvokeRequest, cold: ColdStart, clock = startInvokeClock(this.core)): Promise<Failure | null> {
    const isFirst = this.#invokeCount === 0;
    this.transition("invoking");
    this.#invokeCount++;
    this.#lastInvokeAtMs = this.core.services.clock.nowMs();
    // Off the critical path: the order of commands at the engine is kept, and a late limit harms nobody.
    if (isFirst)
      this.core.sandbox.boost(false).catch((error: unknown) => this.core.reportProblem("apply the CPU limit", error));
    const failure = await runInvoke(this.core, request, clock, cold, () => {
      this.#isFinishing = true;
    });
    // Until it is idle: who comes next waits these few milliseconds rather than being given a cold start.
    this.#isFinishing = failure === null;
    return failure;
  }

  /** Announces the environment as idle and waits for its next invoke. Null: it is time to end. */
  async #waitIdle(): Promise<InvokeRequest | null> {
    const { core } = this;
    const { idleTimeoutMs, lifetimeMsMax } = core.services.limits;
    const lifeLeftMs = lifetimeMsMax - (core.nowMs() - this.#createdMonotonicMs);
    if (lifeLeftMs <= 0) return null;
    this.transition("idle");
    this.#idleOrder = this.#nextIdleOrder();
    this.#isReserved = false;
    this.#listener.onIdle(this);
    // An invoke that was waiting is taken without freezing in between.
    if (core.inbox.isEmpty) this.#freeze();
    const deadline = core.startDeadline(
      core.mode.kind === "provisioned" ? lifeLeftMs : Math.min(idleTimeoutMs, lifeLeftMs),
    );
    try {
      return await this.#takeInvoke(deadline);
    } finally {
      deadline.cancel();
    }
  }

  async #takeInvoke(deadline: ReturnType<EnvironmentCore["startDeadline"]>): Promise<InvokeRequest | null> {
    for (;;) {
      const event = await this.core.inbox.take();
      switch (event.kind) {
        case "invoke":
          return event.request;
        case "stop":
        case "kill":
        case "exit":
        case "lost":
        case "sandbox-exited":
          return null;
        case "deadline":
          if (event.deadline === deadline) return null;
          break;
        default:
          // A call of the runtime between invokes changes nothing.
          break;
      }
    }
  }

  #freeze(): void {
    const freezing = this.core.sandbox.freeze();
    this.#freezing = freezing;
    freezing.catch((error: unknown) => {
      this.core.reportProblem("freeze", error);
      this.stop();
    });
  }

  async #createSandbox(): Promise<Failure | null> {
    const startMs = this.core.nowMs();
    const endEngine = this.core.phases.start("engine");
    const created = await tryEngine(() => this.core.services.engine.create(this.core.sandboxSpec));
    if (!created.ok) {
      this.core.reportProblem("create the sandbox", created.error);
      return created.failure;
    }
    this.core.phases.include(created.value.phases, startMs);
    endEngine();
    this.core.attach(created.value);
    return null;
  }

  #refuse(request: InvokeRequest, failure: Failure): Failure {
    request.reply(toRefusal(failure));
    return failure;
  }

  #reportRestore(request: InvokeRequest, restore: RestoreResult): void {
    const { core } = this;
    assert(core.mode.kind === "restore", "report of a restore that was none");
    const report: RestoreReport = {
      functionName: core.version.functionName,
      version: core.version.version,
      environmentId: core.environmentId,
      snapshotId: core.mode.snapshotId,
      requestId: request.input.requestId,
      outcome: restoreOutcome(restore.failure),
      startedAtMs: restore.startedAtMs,
      restoreDurationMs: restore.durationMs,
      ...core.phases.show(core.phases.find("restore")?.startMs ?? 0),
      memory: core.memory,
    };
    core.services.onRestore(report);
  }
}

/** The pager's times count from the engine's restore. */
function notePrefetch(core: EnvironmentCore, { prefetchStartMs, prefetchEndMs }: WorkingSetInfo): void {
  const engine = core.phases.find("engine");
  if (prefetchEndMs === 0 || engine === null) return;
  const startMs = engine.startMs + prefetchStartMs;
  core.phases.record({ name: "prefetch", startMs, durationMs: prefetchEndMs - prefetchStartMs });
}

function restoreOutcome(failure: Failure | null): RestoreReport["outcome"] {
  if (failure === null) return "success";
  if (failure.kind === "timeout") return "timeout";
  return failure.kind === "reported" || failure.kind === "exit" ? "error" : "platform-error";
}

const RESTORE_TIMEOUT_MESSAGE = "Lambda couldn't restore the snapshot within the timeout limit.";
/** The snapshot's memory did not come from afar in time. */
const RESTORE_TIMEOUT: PlatformCode = "SANDBOX_RESTORE_TIMEOUT";

/** Texts of AWS's SnapStartException and SnapStartTimeoutException. */
function toRefusal(failure: Failure): InvokeReply {
  switch (failure.kind) {
    case "timeout":
      return { kind: "restore-timeout", message: RESTORE_TIMEOUT_MESSAGE };
    case "reported":
    case "exit":
      return {
        kind: "restore-error",
        message:
          "The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs.",
      };
    case "platform":
      if (failure.code === RESTORE_TIMEOUT) return { kind: "restore-timeout", message: RESTORE_TIMEOUT_MESSAGE };
      return { kind: "platform-error", code: failure.code, message: failure.message };
    case "cancelled":
      return { kind: "platform-error", code: CLOSING.code, message: CLOSING.message };
  }
}

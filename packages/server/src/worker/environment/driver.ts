/**
 * The driver of one environment: what all its lives do once a sandbox is there, one invoke after the other, frozen
 * between them. A life (lives/) runs on the driver and on nothing else; while it runs it owns the sandbox and is the
 * only one that changes the state.
 */
import { type ColdStart, type InvokeClock, runInvoke, startInvokeClock, WARM } from "../phases/invoke.ts";
import type { Failure } from "../function-errors.ts";
import { toRefusal } from "../refusal.ts";
import type { Brought } from "../core/brought.ts";
import { type EnvironmentCore, tryEngine } from "../core/core.ts";
import type { Deadline, InvokeRequest } from "../core/events.ts";
import type { EnvironmentState } from "./state.ts";
import type { EnvironmentStatus } from "./status.ts";

export interface DriverListener {
  /** The environment may take an invoke now. */
  onIdle(): void;
  /** A source of rising numbers for the order in which environments became idle. */
  nextIdleOrder(): number;
}

export class Driver {
  readonly core: EnvironmentCore;
  readonly status: EnvironmentStatus;
  readonly #listener: DriverListener;
  /** The freeze that the last invocation left behind; null while the processes run. */
  #freezing: Promise<void> | null = null;

  constructor(core: EnvironmentCore, status: EnvironmentStatus, listener: DriverListener) {
    this.core = core;
    this.status = status;
    this.#listener = listener;
  }

  enter(state: EnvironmentState): void {
    this.status.enter(state);
  }

  /** Serves invokes until the environment is told to stop, fails, or has been idle or alive for too long. */
  async serveWarm(brought: Brought): Promise<void> {
    while (!this.status.isStopRequested) {
      const request = await this.#waitIdle(brought);
      if (request === null) return;
      if ((await this.#invokeWarm(brought, request)) !== null) return;
    }
  }

  /** Returns why the environment can't be used again, or null. */
  async invoke(
    brought: Brought,
    request: InvokeRequest,
    cold: ColdStart,
    clock: InvokeClock = startInvokeClock(this.core),
  ): Promise<Failure | null> {
    const { core, status } = this;
    const isFirst = status.invokeCount === 0;
    status.enterInvoking(core.services.clock.nowMs());
    // Off the critical path: the order of commands at the engine is kept, and a late limit harms nobody.
    if (isFirst)
      brought.sandbox.boost(false).catch((error: unknown) => core.reportProblem("apply the CPU limit", error));
    const failure = await runInvoke(core, { brought, request, clock, cold }, () => status.setFinishing(true));
    // Still finishing until it is idle: the next invoke waits these few milliseconds and is spared a cold start.
    status.setFinishing(failure === null);
    return failure;
  }

  /** Waits for the next invoke. Null: it is time to end. */
  async takeInvoke(deadline: Deadline): Promise<InvokeRequest | null> {
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

  /** Answers an invoke whose environment could not be brought up. Returns the failure. */
  refuse(request: InvokeRequest, failure: Failure): Failure {
    request.reply(toRefusal(failure));
    return failure;
  }

  async #invokeWarm(brought: Brought, request: InvokeRequest): Promise<Failure | null> {
    const thawed = await tryEngine(async () => {
      await this.#freezing;
      if (this.#freezing !== null) await this.core.thaw(brought);
    });
    this.#freezing = null;
    if (!thawed.ok) {
      // Nothing of the invoke was run: another environment may take it.
      request.reply({ kind: "gone" });
      return thawed.failure;
    }
    return this.invoke(brought, request, WARM);
  }

  /** Announces the environment as idle and waits for its next invoke. Null: it is time to end. */
  async #waitIdle(brought: Brought): Promise<InvokeRequest | null> {
    const { core, status } = this;
    const { idleTimeoutMs, lifetimeMsMax } = core.services.limits;
    const lifeLeftMs = lifetimeMsMax - (core.nowMs() - core.createdMonotonicMs);
    if (lifeLeftMs <= 0) return null;
    status.offerIdle(brought, this.#listener.nextIdleOrder());
    this.#listener.onIdle();
    // An invoke that was waiting is taken without freezing in between.
    if (core.inbox.isEmpty) this.#freeze(brought);
    const deadline = core.startDeadline(
      core.mode.kind === "provisioned" ? lifeLeftMs : Math.min(idleTimeoutMs, lifeLeftMs),
    );
    try {
      return await this.takeInvoke(deadline);
    } finally {
      deadline.cancel();
    }
  }

  #freeze(brought: Brought): void {
    const freezing = this.core.freeze(brought);
    this.#freezing = freezing;
    freezing.catch((error: unknown) => {
      this.core.reportProblem("freeze", error);
      if (this.status.isStopping) return;
      this.status.requestStop();
      this.core.inbox.put({ kind: "stop" });
    });
  }
}

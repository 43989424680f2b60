/**
 * The driver of one environment: what all its lives do once a sandbox is there, one invoke after the other, frozen
 * between them. A life (lives/) runs on the driver and on nothing else; while it runs it owns the sandbox and is the
 * only one that changes the state.
 */
import type { ColdStart, InvokeClock } from "../phases/invocation.ts";
import { runInvoke, startInvokeClock, WARM } from "../phases/invoke.ts";
import type { Failure } from "../function-errors.ts";
import { resetSandbox } from "../phases/shutdown.ts";
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
  /** Without a limit of CPU, as every sandbox starts, until its first invoke. */
  #isBoosted = true;

  constructor(core: EnvironmentCore, status: EnvironmentStatus, listener: DriverListener) {
    this.core = core;
    this.status = status;
    this.#listener = listener;
  }

  enter(state: EnvironmentState): void {
    this.status.enter(state);
  }

  /**
   * Serves invokes until the environment is told to stop, fails, or has been idle or alive for too long. Returns the
   * failure, or null.
   */
  async serveWarm(brought: Brought): Promise<Failure | null> {
    while (!this.status.isStopRequested) {
      const request = await this.waitIdle(brought);
      if (request === null) return null;
      const failure = (await this.thaw(brought, request)) ?? (await this.invoke(brought, request, WARM));
      if (failure !== null) return failure;
    }
    return null;
  }

  /** Returns why the environment can't be used again, or null. */
  async invoke(
    brought: Brought,
    request: InvokeRequest,
    cold: ColdStart,
    clock: InvokeClock = startInvokeClock(this.core),
  ): Promise<Failure | null> {
    const { core, status } = this;
    status.enterInvoking(core.services.clock.nowMs());
    // Off the critical path: the sandbox keeps the order of its commands, and a late limit harms nobody.
    if (this.#isBoosted)
      brought.sandbox.boost(false).catch((error: unknown) => core.reportProblem("apply the CPU limit", error));
    this.#isBoosted = false;
    const failure = await runInvoke(core, { brought, request, clock, cold }, () => status.setFinishing(true));
    // Still finishing until it is idle: the next invoke waits these few milliseconds and is spared a cold start.
    status.setFinishing(failure === null);
    return failure;
  }

  /** Ends all processes after a failed invoke. Null: the environment is to end. */
  async reset(): Promise<Brought | null> {
    const { core, status } = this;
    if (status.isStopRequested) return null;
    const hasExtensions = core.toEnd !== null && core.toEnd.extensions.all.length > 0;
    this.enter("resetting");
    // Without extensions this takes milliseconds: the next invoke waits for it, as after one that was good.
    status.setFinishing(!hasExtensions);
    // A function that has used up its share of CPU would hold up its own end; and Init has no limit, as the first time.
    const lifted = await tryEngine(() => core.toEnd?.sandbox.boost(true) ?? Promise.resolve());
    if (!lifted.ok) return null;
    this.#isBoosted = true;
    const brought = await resetSandbox(core);
    return status.isStopRequested ? null : brought;
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

  /** Lets the processes run again. Where that fails the invoke is handed back, and the failure returned. */
  async thaw(brought: Brought, request: InvokeRequest): Promise<Failure | null> {
    const thawed = await tryEngine(async () => {
      await this.#freezing;
      if (this.#freezing !== null) await this.core.thaw(brought);
    });
    this.#freezing = null;
    if (thawed.ok) return null;
    // Nothing of the invoke was run: another environment may take it.
    request.reply({ kind: "gone" });
    return thawed.failure;
  }

  /** Announces the environment as idle and waits for its next invoke. Null: it is time to end. */
  async waitIdle(brought: Brought): Promise<InvokeRequest | null> {
    const { core, status } = this;
    const { idleTimeoutMs, lifetimeMsMax } = core.services.limits;
    const lifeLeftMs = lifetimeMsMax - (core.nowMs() - core.createdMonotonicMs);
    if (lifeLeftMs <= 0) return null;
    // After a reset it has to be initialised first: those that are warm go before it, however long they have been idle.
    status.offerIdle(brought, brought.processes.size === 0 ? 0 : this.#listener.nextIdleOrder());
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
    const freezing = this.core.freezeBetweenInvokes(brought);
    this.#freezing = freezing;
    freezing.catch((error: unknown) => {
      this.core.reportProblem("freeze", error);
      if (this.status.isStopping) return;
      this.status.requestStop();
      this.core.inbox.put({ kind: "stop" });
    });
  }
}

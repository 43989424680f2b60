/**
 * An execution environment as the pool has it: an identity, a state to look at, an inbox to put invokes and requests to
 * stop into. Its life, which runs on its driver, decides everything else. Nothing of it is left when `stopped`
 * resolves.
 *
 * | state                                             | sandbox                  | owned by                           |
 * |---------------------------------------------------|--------------------------|------------------------------------|
 * | starting                                          | none                     | its place in the pool              |
 * | initialising, restoring                           | being made, or made      | the life, with its invoke          |
 * | resetting                                         | being emptied, or ended  | the life                           |
 * | parked, idle                                      | frozen                   | the life, which waits on the inbox |
 * | invoking, snapshotting                            | running                  | the phase                          |
 * | stopping                                          | being destroyed          | the Shutdown phase                 |
 * | stopped                                           | gone                     | nobody                             |
 */
import type { EnvironmentId } from "../../base/ids.ts";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { EnvironmentObservation, EnvironmentSummary, InvokeInput, RunnableVersion } from "../../ports/worker.ts";
import type { Failure } from "../function-errors.ts";
import { runShutdown } from "../phases/shutdown.ts";
import { CLOSING } from "../platform-failure.ts";
import { EnvironmentCore, type EnvironmentOptions, tryEngine } from "../core/core.ts";
import { Driver, type DriverListener } from "./driver.ts";
import type { EnvironmentMode, InvokeReply } from "../core/events.ts";
import type { EnvironmentState } from "./state.ts";
import { EnvironmentStatus } from "./status.ts";
import { type EnvironmentView, summaryOf, viewOf } from "./view.ts";

/** A way to spend an environment's life; the environment is destroyed when it ends. */
export type Life<T> = (driver: Driver) => Promise<T>;

export interface EnvironmentListener extends DriverListener {
  onStopped(): void;
}

export class Environment<T = unknown> {
  readonly environmentId: EnvironmentId;
  readonly version: RunnableVersion;
  readonly recipe: RuntimeRecipe;
  readonly mode: EnvironmentMode;
  /** Resolves with what the life returned; with null where it broke, which was reported. */
  readonly stopped: Promise<T | null>;
  readonly #core: EnvironmentCore;
  readonly #status = new EnvironmentStatus();

  constructor(options: EnvironmentOptions, listener: EnvironmentListener, life: Life<T>) {
    this.environmentId = options.environmentId;
    this.version = options.version;
    this.recipe = options.recipe;
    this.mode = options.mode;
    this.#core = new EnvironmentCore(options);
    this.stopped = this.#live(life, listener);
  }

  get state(): EnvironmentState {
    return this.#status.state;
  }

  /** Resolves when the snapshot's data is not needed any more, or never was. */
  get restored(): Promise<void> {
    return this.#status.restored;
  }

  get isParking(): boolean {
    return this.#status.isParking;
  }

  get isStopping(): boolean {
    return this.#status.isStopping;
  }

  /** True where it will be idle as soon as the platform is ready with it. */
  get isRecording(): boolean {
    return this.#status.isRecording && !this.isStopping;
  }

  get view(): EnvironmentView {
    return viewOf(this.#core, this.#status);
  }

  measure(): Promise<void> {
    return this.#core.measure();
  }

  get summary(): EnvironmentSummary {
    return summaryOf(this.#core, this.#status);
  }

  /**
   * Hands an invoke to an idle or parked environment. `gone`: it ended first and nothing was run, another environment
   * may try.
   */
  invoke(input: InvokeInput): Promise<InvokeReply> {
    this.#status.reserve();
    return new Promise((reply) => {
      if (this.isStopping) reply({ kind: "gone" });
      else this.#core.inbox.put({ kind: "invoke", request: { input, reply } });
    });
  }

  /** True where it is to be stopped when it is idle and no invoke waits for it. */
  get isRetired(): boolean {
    return this.#status.isRetired;
  }

  retire(): void {
    this.#status.retire();
  }

  /** Ends the environment after the invoke that runs, if any. */
  stop(): void {
    if (this.isStopping) return;
    this.#status.requestStop();
    this.#core.inbox.put({ kind: "stop" });
  }

  /** Ends the environment now, whatever it does. */
  kill(failure: Failure = CLOSING): void {
    this.#status.requestStop();
    this.#core.inbox.put({ kind: "kill", failure });
  }

  /** Looks at the sandbox of an idle environment. Null where it is not idle, or has just died. */
  async observe(): Promise<EnvironmentObservation | null> {
    const { atRest } = this.#status;
    if (atRest === null) return null;
    const observed = await tryEngine(() => atRest.sandbox.observe());
    if (!observed.ok) return null;
    return { summary: this.summary, memory: this.#core.memory, sandbox: observed.value };
  }

  async #live(life: Life<T>, listener: EnvironmentListener): Promise<T | null> {
    const core = this.#core;
    const status = this.#status;
    let result: T | null = null;
    try {
      // The pool lists the environment before its life begins.
      await Promise.resolve();
      result = await life(new Driver(core, status, listener));
    } catch (error) {
      // A broken invariant: the environment dies, its caller is told, the worker lives.
      core.reportProblem("environment driver", error);
    }
    status.requestStop();
    status.enter("stopping");
    await runShutdown(core);
    status.enter("stopped");
    listener.onStopped();
    return result;
  }
}

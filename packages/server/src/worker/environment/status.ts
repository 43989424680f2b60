/**
 * The state of one environment and what belongs to it, changed by its methods alone. They are called on the
 * environment's driver (its life, its phases), with two exceptions: the pool reserves an idle environment for an
 * invoke, and anybody may request its end.
 */
import { strict as assert } from "node:assert";
import type { Brought } from "../core/brought.ts";
import { type Availability, canTransition, type EnvironmentState } from "./state.ts";

export class EnvironmentStatus {
  /** Resolves when the snapshot's data is not needed any more, or never was. */
  readonly restored: Promise<void>;
  #idleOrder = 0;
  #invokeCount = 0;
  #lastInvokeAtMs: number | null = null;
  #tellRestored: () => void = () => undefined;
  #state: EnvironmentState = "starting";
  #isStopRequested = false;
  #isReserved = true;
  #isFinishing = false;
  #isRecording = false;
  #isParking = false;
  #isRetired = false;
  #atRest: Brought | null = null;

  constructor() {
    this.restored = new Promise((resolve) => {
      this.#tellRestored = resolve;
    });
  }

  get state(): EnvironmentState {
    return this.#state;
  }

  /** Rises with each return to idle. */
  get idleOrder(): number {
    return this.#idleOrder;
  }

  get invokeCount(): number {
    return this.#invokeCount;
  }

  get lastInvokeAtMs(): number | null {
    return this.#lastInvokeAtMs;
  }

  /** True once no further invoke is taken. */
  get isStopRequested(): boolean {
    return this.#isStopRequested;
  }

  get isStopping(): boolean {
    return this.#isStopRequested || this.#state === "stopping" || this.#state === "stopped";
  }

  /** True where the environment is, or is about to become, a parked clone. */
  get isParking(): boolean {
    return this.#isParking;
  }

  /** The sandbox of an idle environment; null in every other state. */
  get atRest(): Brought | null {
    return this.#atRest;
  }

  get availability(): Availability {
    if (this.#isFinishing) return "finishing";
    return !this.#isReserved && (this.#state === "parked" || this.#state === "idle") ? this.#state : "busy";
  }

  enter(to: EnvironmentState): void {
    assert(canTransition(this.#state, to), `environment: ${this.#state} to ${to} is not a transition`);
    if (to !== "restoring") this.#tellRestored();
    this.#isFinishing = false;
    this.#atRest = null;
    this.#state = to;
  }

  requestStop(): void {
    this.#isStopRequested = true;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  retire(): void {
    this.#isRetired = true;
  }

  beginParking(): void {
    this.#isParking = true;
  }

  endParking(): void {
    this.#isParking = false;
  }

  enterInvoking(nowMs: number): void {
    this.enter("invoking");
    this.#invokeCount++;
    this.#lastInvokeAtMs = nowMs;
  }

  /** Enters a state in which an invoke may be handed over: idle, after all that became idle before. */
  offerIdle(atRest: Brought, idleOrder: number): void {
    this.enter("idle");
    this.#atRest = atRest;
    this.#idleOrder = idleOrder;
    this.#isReserved = false;
  }

  /** Enters a state in which an invoke may be handed over: parked, with nothing run since the restore. */
  offerParked(): void {
    this.enter("parked");
    this.#isReserved = false;
  }

  reserve(): void {
    assert(!this.#isReserved, "an invoke was handed to an environment that has one");
    this.#isReserved = true;
  }

  /**
   * Says that the caller has its answer and the environment will be idle in a moment: the next invoke had better wait
   * for it.
   */
  setFinishing(isFinishing: boolean): void {
    this.#isFinishing = isFinishing;
  }

  /** True where the function has finished, and the working set of the clone is being recorded. */
  get isRecording(): boolean {
    return this.#isRecording;
  }

  setRecording(isRecording: boolean): void {
    this.#isRecording = isRecording;
  }
}

/**
 * A budget of Runtime API calls for one environment. The server has one thread for all: a function with several
 * processors could keep it busy with calls that cost itself next to nothing.
 */
import type { Clock } from "../../base/clock.ts";
import type { RuntimeCall } from "../../ports/supervisor.ts";

/** A thousand invokes a second, of two calls each: more than one environment can have. */
const CALLS_PER_S = 2000;
/** Calls at once, before the budget is looked at. */
const BURST = 4000;

export class CallBudget {
  readonly #clock: Clock;
  /** Calls that may come now; negative: so many have come too early. */
  #left = BURST;
  #filledMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#filledMs = clock.monotonicMs();
  }

  /** Gives the call as it is to be handled: beyond the budget its answer comes when it is due. */
  spend(call: RuntimeCall): RuntimeCall {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#filledMs) / 1000) * CALLS_PER_S) - 1;
    this.#filledMs = nowMs;
    return this.#left >= 0 ? call : new LateCall(call, this.#clock, nowMs + (-this.#left / CALLS_PER_S) * 1000);
  }
}

/**
 * A call whose answer is held back. Its connection waits meanwhile, so a function has no more calls than those; of one
 * whose client has hung up nothing is kept.
 */
export class LateCall implements RuntimeCall {
  readonly #call: RuntimeCall;
  readonly #clock: Clock;
  readonly #dueMs: number;
  /** Null where no answer waits. */
  #cancel: (() => void) | null = null;

  constructor(call: RuntimeCall, clock: Clock, dueMs: number) {
    this.#call = call;
    this.#clock = clock;
    this.#dueMs = dueMs;
  }

  get id(): number {
    return this.#call.id;
  }

  get method(): string {
    return this.#call.method;
  }

  get path(): string {
    return this.#call.path;
  }

  get headers(): RuntimeCall["headers"] {
    return this.#call.headers;
  }

  get body(): RuntimeCall["body"] {
    return this.#call.body;
  }

  get trailers(): RuntimeCall["trailers"] {
    return this.#call.trailers;
  }

  get isAbandoned(): boolean {
    return this.#call.isAbandoned;
  }

  respond(...answer: Parameters<RuntimeCall["respond"]>): void {
    const waitMs = this.#dueMs - this.#clock.monotonicMs();
    if (waitMs <= 0) this.#call.respond(...answer);
    else this.#cancel = this.#clock.after(waitMs, () => this.#call.respond(...answer));
  }

  /** Drops the answer: a timer would keep it, and with it the call, until it is due. */
  drop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  abort(): void {
    this.#call.abort();
  }
}

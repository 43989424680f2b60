/**
 * Asynchronous invokes: accepted into the store, then carried out, at least once. A function that fails is tried twice more, after
 * one and two minutes; throttled or not yet invocable, later and later. Nothing is tried beyond six hours. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
 */
import type { EventRecord } from "../../model/function-record.ts";
import { ApiError } from "../../model/api-error.ts";
import type { InvokeOutcome } from "../../ports/worker.ts";
import type { ControlServices } from "../services.ts";

const ATTEMPTS_MAX = 3;
const RETRY_DELAYS_MS = [60_000, 120_000];
const AGE_MS_MAX = 6 * 3_600_000;
const TOO_OLD = "it is older than six hours";
const BACKOFF_MS_MAX = 5 * 60_000;
const AT_ONCE_MAX = 16;
/** One function leaves places for the others. */
const AT_ONCE_OF_FUNCTION_MAX = 12;
/** A look at the queue at least so often while something waits in it, should a store error have stopped one. */
const POLL_MS_MAX = 60_000;

type Run = (event: EventRecord) => Promise<InvokeOutcome>;

type Needs = Pick<ControlServices, "store" | "clock" | "onProblem">;

export class EventQueue {
  readonly #services: Needs;
  readonly #running = new Map<number, { readonly functionName: string; readonly done: Promise<void> }>();
  #run: Run | null = null;
  #cancelPoll: (() => void) | null = null;
  #isClosing = false;

  constructor(services: Needs) {
    this.#services = services;
  }

  start(run: Run): void {
    this.#run = run;
    this.#pump();
  }

  /** Durable when it returns. */
  accept(event: Pick<EventRecord, "requestId" | "functionName" | "qualifier" | "payload" | "clientContext">): void {
    const nowMs = this.#services.clock.nowMs();
    try {
      this.#services.store.addEvent({ ...event, attempts: 0, acceptedAtMs: nowMs, notBeforeMs: nowMs });
    } finally {
      // A store that failed may have it all the same: then nothing else would wake the queue for it.
      this.#pump();
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelPoll?.();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #pump(): void {
    if (this.#isClosing || this.#run === null) return;
    this.#cancelPoll?.();
    try {
      this.#startDue(this.#run);
    } catch (error) {
      // The store failed. What was accepted is in it all the same.
      this.#services.onProblem("read the queue of events", error);
      this.#cancelPoll = this.#services.clock.after(POLL_MS_MAX, () => this.#pump());
    }
  }

  #startDue(run: Run): void {
    const { store, clock } = this.#services;
    const due = store.listEvents(clock.nowMs(), AT_ONCE_MAX * 2).filter((event) => !this.#running.has(event.id));
    for (let next = this.#choose(due); next !== null; next = this.#choose(due)) this.#start(next, run);
    const nowMs = clock.nowMs();
    const nextMs = store.nextEventDueMs(nowMs);
    if (nextMs !== null || due.length > 0)
      this.#cancelPoll = clock.after(Math.min(POLL_MS_MAX, (nextMs ?? Infinity) - nowMs), () => this.#pump());
  }

  #start(event: EventRecord, run: Run): void {
    const done = this.#carryOut(event, run)
      // The store failed: the event is still there, and is tried again by the next poll.
      .catch((error: unknown) => this.#services.onProblem(`event ${event.requestId} of ${event.functionName}`, error))
      .finally(() => this.#running.delete(event.id));
    this.#running.set(event.id, { functionName: event.functionName, done });
    void done.then(() => this.#pump());
  }

  /** The oldest of the function with the fewest under way; takes it out of `due`. */
  #choose(due: EventRecord[]): EventRecord | null {
    if (this.#running.size >= AT_ONCE_MAX) return null;
    const running = new Map<string, number>();
    for (const { functionName } of this.#running.values())
      running.set(functionName, (running.get(functionName) ?? 0) + 1);
    let best: EventRecord | null = null;
    for (const event of due) {
      const own = running.get(event.functionName) ?? 0;
      if (own < AT_ONCE_OF_FUNCTION_MAX && (best === null || own < (running.get(best.functionName) ?? 0))) best = event;
    }
    if (best !== null) due.splice(due.indexOf(best), 1);
    return best;
  }

  async #carryOut(event: EventRecord, run: Run): Promise<void> {
    const { store, clock } = this.#services;
    const outcome = await run(event).catch((error: unknown) => error);
    if (this.#isClosing && isPlatform(outcome)) return;
    if (isDone(outcome)) return store.removeEvent(event.id);
    const nowMs = clock.nowMs();
    if (isFunctionError(outcome)) {
      const attempts = event.attempts + 1;
      if (attempts >= ATTEMPTS_MAX) return this.#drop(event, "the function failed three times");
      const nextMs = nowMs + (RETRY_DELAYS_MS[event.attempts] ?? BACKOFF_MS_MAX);
      if (nextMs - event.acceptedAtMs > AGE_MS_MAX) return this.#drop(event, TOO_OLD);
      return store.postponeEvent(event.id, attempts, nextMs);
    }
    if (outcome instanceof ApiError && outcome.name === "ResourceNotFoundException")
      return this.#drop(event, outcome.message);
    if (nowMs - event.acceptedAtMs > AGE_MS_MAX) return this.#drop(event, TOO_OLD);
    const backoffMs = Math.min(BACKOFF_MS_MAX, Math.max(1000, nowMs - event.acceptedAtMs));
    return store.postponeEvent(event.id, event.attempts, nowMs + backoffMs);
  }

  #drop(event: EventRecord, why: string): void {
    this.#services.store.removeEvent(event.id);
    this.#services.onProblem(`event ${event.requestId} of ${event.functionName} is dropped`, new Error(why));
  }
}

function isOutcome(value: unknown): value is InvokeOutcome {
  return typeof value === "object" && value !== null && "kind" in value;
}

function isPlatform(value: unknown): boolean {
  return !isOutcome(value) || value.kind === "platform-error";
}

function isDone(value: unknown): boolean {
  return isOutcome(value) && value.kind === "response" && value.functionError === null;
}

function isFunctionError(value: unknown): boolean {
  return (
    isOutcome(value) &&
    (value.kind === "response" || value.kind === "restore-error" || value.kind === "restore-timeout")
  );
}

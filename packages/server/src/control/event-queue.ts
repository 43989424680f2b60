/**
 * Asynchronous invokes: accepted into the store, then carried out, at least once. A function that fails is tried twice more, after
 * one and two minutes; throttled or not yet invocable, later and later for six hours. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
 */
import type { EventRecord } from "../model/function-record.ts";
import { ApiError } from "../model/api-error.ts";
import type { InvokeOutcome } from "../ports/worker.ts";
import type { ControlServices } from "./services.ts";

const ATTEMPTS_MAX = 3;
const RETRY_DELAYS_MS = [60_000, 120_000];
const AGE_MS_MAX = 6 * 3_600_000;
const BACKOFF_MS_MAX = 5 * 60_000;
const AT_ONCE_MAX = 16;
const POLL_MS = 1000;

type Run = (event: EventRecord) => Promise<InvokeOutcome>;

export class EventQueue {
  readonly #services: ControlServices;
  readonly #running = new Map<number, Promise<void>>();
  #run: Run | null = null;
  #cancelPoll: (() => void) | null = null;
  #isClosing = false;

  constructor(services: ControlServices) {
    this.#services = services;
  }

  start(run: Run): void {
    this.#run = run;
    this.#pump();
  }

  /** Durable when it returns. */
  accept(event: Pick<EventRecord, "requestId" | "functionName" | "qualifier" | "payload" | "clientContext">): void {
    const nowMs = this.#services.clock.nowMs();
    this.#services.store.addEvent({ ...event, attempts: 0, acceptedAtMs: nowMs, notBeforeMs: nowMs });
    this.#pump();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelPoll?.();
    await Promise.all(this.#running.values());
  }

  #pump(): void {
    if (this.#isClosing || this.#run === null) return;
    this.#cancelPoll?.();
    const { store, clock } = this.#services;
    const due = store.listEvents(clock.nowMs(), AT_ONCE_MAX * 2).filter((event) => !this.#running.has(event.id));
    for (const event of due.slice(0, AT_ONCE_MAX - this.#running.size)) {
      const done = this.#carryOut(event, this.#run).finally(() => {
        this.#running.delete(event.id);
        this.#pump();
      });
      this.#running.set(event.id, done);
    }
    this.#cancelPoll = clock.after(POLL_MS, () => this.#pump());
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
      return store.postponeEvent(event.id, attempts, nowMs + (RETRY_DELAYS_MS[event.attempts] ?? BACKOFF_MS_MAX));
    }
    if (outcome instanceof ApiError && outcome.name === "ResourceNotFoundException") return this.#drop(event, outcome.message);
    if (nowMs - event.acceptedAtMs > AGE_MS_MAX) return this.#drop(event, "it is older than six hours");
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
  return isOutcome(value) && (value.kind === "response" || value.kind === "restore-error" || value.kind === "restore-timeout");
}

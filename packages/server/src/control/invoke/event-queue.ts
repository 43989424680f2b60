/**
 * Asynchronous invokes: accepted into the store, then carried out, at least once. A function that fails is tried twice
 * more, after one and two minutes; throttled or not yet invocable, later and later. Nothing is tried beyond six hours.
 * The function's configuration may say less of both. What comes of it goes to destinations in the commit that takes the
 * event out of the queue. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
 */
import { type EventInvokeRecord, type EventRecord, LATEST, type Work } from "../../model/function-record.ts";
import { notFound } from "../../model/api-error.ts";
import { functionArn } from "../../model/function-name.ts";
import type { Committed, Stored, Write } from "../../ports/metadata-store.ts";
import { TRIES_MAX, type UnfinishedWork } from "../records/unfinished-work.ts";
import type { ControlParts } from "../services.ts";
import { type AcceptedRun, ageMsMax, endedServers, judge, tooOld, type Verdict } from "./accepted-run.ts";
import { type Deliveries, deliveriesOf } from "./deliveries.ts";

const AT_ONCE_MAX = 16;
/** Number of events of one function at the same time: it leaves places for the others. */
const AT_ONCE_OF_FUNCTION_MAX = 12;
/** Time in which the server hears that sandboxd has ended, where that is why an environment was lost. */
const LOSS_HEARD_MS = 1000;
/** Longest time between two looks at the queue while something waits in it, should a store error have stopped one. */
const POLL_MS_MAX = 60_000;

export type AcceptedEvent = Pick<
  EventRecord,
  "requestId" | "functionName" | "qualifier" | "payload" | "clientContext" | "traceId"
>;
/** Runs an event once. Rejects where it could not be run. */
type Run = (event: EventRecord) => Promise<AcceptedRun>;

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "clock" | "onProblem" | "onAsync">;

export class EventQueue {
  readonly #services: Needs;
  readonly #unfinished: UnfinishedWork;
  readonly #deliveries: Deliveries;
  readonly #running = new Map<
    number,
    { readonly functionName: string; readonly work: Work; readonly isSuspect: boolean; readonly done: Promise<void> }
  >();
  #run: Run | null = null;
  #cancelPoll: (() => void) | null = null;
  #pumping: Promise<void> | null = null;
  /** Something has changed since the pump under way began to look. */
  #hasNews = false;
  #isClosing = false;

  constructor(services: Needs, unfinished: UnfinishedWork, deliveries: Deliveries) {
    this.#services = services;
    this.#unfinished = unfinished;
    this.#deliveries = deliveries;
  }

  start(run: Run): void {
    this.#run = run;
    this.#deliveries.start(() => this.#pump());
    this.#pump();
  }

  /** Durable when it resolves. Throws a ResourceNotFoundException where the function has gone meanwhile. */
  async accept(event: AcceptedEvent): Promise<void> {
    const { changes, clock, scope } = this.#services;
    const nowMs = clock.nowMs();
    const added = { ...event, attempts: 0, acceptedAtMs: nowMs, notBeforeMs: nowMs };
    try {
      if ((await changes.commit([{ op: "addEvent", event: added }])) === "changed")
        throw notFound(`Function not found: ${functionArn(scope, event.functionName, event.qualifier)}`);
      this.#services.onAsync({ kind: "received", functionName: event.functionName });
    } finally {
      // A store that failed may have it all the same: then nothing else would wake the queue for it.
      this.#pump();
    }
  }

  /** Hears that another part has committed something for a destination. */
  onDelivery(): void {
    this.#deliveries.pump();
  }

  /**
   * Accepts several with other writes in one commit, or nothing: `changed` where a function has gone meanwhile, or a
   * write found something else than it expects. Durable when it resolves.
   */
  async acceptAll(events: readonly AcceptedEvent[], writes: readonly Write[]): Promise<Committed> {
    const { changes, clock } = this.#services;
    const nowMs = clock.nowMs();
    const times = { attempts: 0, acceptedAtMs: nowMs, notBeforeMs: nowMs };
    const added = events.map((event): Write => ({ op: "addEvent", event: { ...event, ...times } }));
    if (added.length + writes.length === 0) return "done";
    try {
      const committed = await changes.commit([...added, ...writes]);
      if (committed === "done")
        for (const { functionName } of events) this.#services.onAsync({ kind: "received", functionName });
      return committed;
    } finally {
      // As for one: a store that failed may have them all the same.
      this.#pump();
      this.#deliveries.pump();
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelPoll?.();
    for (const { work } of this.#running.values()) this.#unfinished.leaveTurn(work);
    await this.#pumping;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await this.#deliveries.close();
  }

  /** Starts what is due, unless that is being done; then it is done once more. */
  #pump(): void {
    this.#hasNews = true;
    if (this.#isClosing || this.#run === null || this.#pumping !== null) return;
    this.#pumping = this.#pumpAll(this.#run);
  }

  async #pumpAll(run: Run): Promise<void> {
    while (this.#hasNews && !this.#isClosing) {
      this.#hasNews = false;
      this.#cancelPoll?.();
      try {
        await this.#startDue(run);
      } catch (error) {
        // The store failed. The accepted events are in it all the same.
        this.#services.onProblem("read the queue of events", error);
        this.#pollAfter(POLL_MS_MAX);
      }
    }
    // In the turn of the last look for news: none comes between the two.
    this.#pumping = null;
  }

  async #startDue(run: Run): Promise<void> {
    const { store, clock } = this.#services;
    // One that ends while the list is read may still be in it, and is nobody's any more.
    const before = new Set(this.#running.keys());
    const listed = await store.listEvents(clock.nowMs(), AT_ONCE_MAX * 2);
    if (this.#isClosing) return;
    const due = listed.filter((event) => !before.has(event.id));
    for (let next = this.#choose(due); next !== null; next = this.#choose(due)) this.#start(next, run);
    const nowMs = clock.nowMs();
    const nextMs = await store.nextEventDueMs(nowMs);
    if (nextMs !== null || due.length > 0) this.#pollAfter(Math.min(POLL_MS_MAX, (nextMs ?? Infinity) - nowMs));
  }

  #pollAfter(delayMs: number): void {
    if (!this.#isClosing) this.#cancelPoll = this.#services.clock.after(delayMs, () => this.#pump());
  }

  #start(event: Stored<EventRecord>, run: Run): void {
    const done = this.#carryOut(event, run)
      // The store failed: the event is still there, and is tried again by the next poll.
      .catch((error: unknown) => this.#services.onProblem(`event ${event.requestId} of ${event.functionName}`, error))
      .finally(() => this.#running.delete(event.id));
    const { id, functionName } = event;
    this.#running.set(id, { functionName, work: workOf(event), isSuspect: this.#isSuspect(event), done });
    void done.then(() => this.#pump());
  }

  /** Whether the event was under way when the last life of the server ended; such are carried out one at a time. */
  #isSuspect(event: Stored<EventRecord>): boolean {
    return this.#unfinished.isSuspect(workOf(event));
  }

  /** The oldest of the function with the fewest under way; takes it out of `due`. */
  #choose(due: Array<Stored<EventRecord>>): Stored<EventRecord> | null {
    if (this.#running.size >= AT_ONCE_MAX) return null;
    const running = new Map<string, number>();
    for (const { functionName } of this.#running.values())
      running.set(functionName, (running.get(functionName) ?? 0) + 1);
    const hasSuspect = [...this.#running.values()].some(({ isSuspect }) => isSuspect);
    let best: Stored<EventRecord> | null = null;
    for (const event of due) {
      if (hasSuspect && this.#isSuspect(event)) continue;
      const own = running.get(event.functionName) ?? 0;
      if (own < AT_ONCE_OF_FUNCTION_MAX && (best === null || own < (running.get(best.functionName) ?? 0))) best = event;
    }
    if (best !== null) due.splice(due.indexOf(best), 1);
    return best;
  }

  async #carryOut(event: Stored<EventRecord>, run: Run): Promise<void> {
    const work = workOf(event);
    await this.#unfinished.turn(work);
    if (this.#isClosing) return;
    const config = await this.#configOf(event);
    if (this.#unfinished.triesOf(work) >= TRIES_MAX) {
      await this.#ended(work);
      return this.#conclude(event, config, { kind: "given-up", givenUp: endedServers(event) });
    }
    const ageMs = this.#services.clock.nowMs() - event.acceptedAtMs;
    if (ageMs > ageMsMax(config)) {
      await this.#ended(work);
      return this.#conclude(event, config, { kind: "given-up", givenUp: tooOld(event) });
    }
    await this.#unfinished.begin(work);
    this.#services.onAsync({ kind: "started", functionName: event.functionName, ageMs });
    const ran = await run(event).catch((error: unknown): AcceptedRun => ({ kind: "error", error }));
    if (this.#isClosing && isPlatform(ran)) return;
    if (!isPlatformError(ran)) await this.#ended(work);
    else
      this.#services.clock.after(LOSS_HEARD_MS, () => {
        if (!this.#isClosing) void this.#ended(work);
      });
    await this.#settle(event, ran);
  }

  async #ended(work: Work): Promise<void> {
    await this.#unfinished.ended(work);
    this.#unfinished.leaveTurn(work);
  }

  #configOf({ functionName, qualifier }: EventRecord): Promise<EventInvokeRecord | null> {
    return this.#services.store.getSetting("eventInvoke", functionName, qualifier ?? LATEST);
  }

  /** Removes the event, or puts its next attempt off, by what came of this one. */
  async #settle(event: Stored<EventRecord>, ran: AcceptedRun): Promise<void> {
    // Read again: it may have been changed while the function ran.
    const config = await this.#configOf(event);
    const verdict = judge(event, ran, config, this.#services.clock.nowMs());
    if (verdict.kind === "again") return this.#postpone(event, verdict.attempts, verdict.notBeforeMs);
    if (verdict.kind === "gone") return this.#drop(event, verdict.why);
    return this.#conclude(event, config, verdict);
  }

  /** Takes the event out of the queue, and what is to be sent of it goes on its way, in one commit. */
  async #conclude(
    event: Stored<EventRecord>,
    config: EventInvokeRecord | null,
    verdict: Extract<Verdict, { readonly kind: "done" | "given-up" }>,
  ): Promise<void> {
    const { changes, onProblem, onAsync } = this.#services;
    const sent = await deliveriesOf(this.#services, event, config, verdict);
    // An event that is no longer as it was read has gone with its function.
    if ((await changes.commit([{ op: "removeEvent", event }, ...sent])) === "changed") return;
    if (sent.length > 0) this.#deliveries.pump();
    if (verdict.kind === "done") return;
    onAsync({ kind: "dropped", functionName: event.functionName });
    // A failure that a destination tells of is no news to the operator.
    if (sent.length > 0) return;
    onProblem(`event ${event.requestId} of ${event.functionName} is dropped`, new Error(verdict.givenUp.why));
  }

  async #drop(event: Stored<EventRecord>, why: string): Promise<void> {
    await this.#remove(event);
    this.#services.onAsync({ kind: "dropped", functionName: event.functionName });
    this.#services.onProblem(`event ${event.requestId} of ${event.functionName} is dropped`, new Error(why));
  }

  /**
   * Removes the event from the queue. An event that is no longer as it was read has gone with its function, and there
   * is nothing left to do.
   */
  async #remove(event: Stored<EventRecord>): Promise<void> {
    await this.#services.changes.commit([{ op: "removeEvent", event }]);
  }

  /** Puts the next attempt off. An event that is no longer as it was read has gone, as for `#remove`. */
  async #postpone(event: Stored<EventRecord>, attempts: number, notBeforeMs: number): Promise<void> {
    await this.#services.changes.commit([{ op: "postponeEvent", event, attempts, notBeforeMs }]);
  }
}

function workOf({ functionName, id }: Stored<EventRecord>): Work {
  return { kind: "event", functionName, key: String(id) };
}

/** Whether the platform, and not the function, is why there is no answer. */
function isPlatform(ran: AcceptedRun): boolean {
  return ran.kind === "error" || isPlatformError(ran);
}

function isPlatformError(ran: AcceptedRun): boolean {
  return ran.kind === "ran" && ran.outcome.kind === "platform-error";
}

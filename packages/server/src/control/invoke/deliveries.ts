/**
 * Results and dead letters on their way to destinations. Each is accepted work in the store: it is tried again, later
 * and later, until the destination has it, and it outlives a crash. A destination may get one twice, and never less
 * than once, unless it refuses it for good or does not take it for four days. A function as a destination gets an
 * event.
 */
import { asyncRecord } from "../../model/async-record.ts";
import { deadLetterMessage, messageOf, parseTarget } from "../../model/destination.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type DeliveryRecord, type EventInvokeRecord, type EventRecord, LATEST } from "../../model/function-record.ts";
import { headerOfRun } from "../../model/trace-header.ts";
import { DestinationError } from "../../ports/destinations.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import { findVersion } from "../records/lookup.ts";
import type { ControlParts } from "../services.ts";
import type { GivenUp, Verdict } from "./accepted-run.ts";
import { EVENT_SIZE_BYTES_MAX } from "./payload-sizes.ts";

const AT_ONCE_MAX = 16;
/** Number of deliveries to one destination at the same time: one that hangs leaves places for the others. */
const AT_ONCE_OF_DESTINATION_MAX = 4;
const BACKOFF_MS_MIN = 1000;
const BACKOFF_MS_MAX = 5 * 60_000;
const AGE_MS_MAX = 4 * 24 * 3_600_000;
/** Longest time between two looks while something waits, should a store error have stopped one. */
const POLL_MS_MAX = 60_000;

type Needs = Pick<
  ControlParts,
  "scope" | "store" | "changes" | "clock" | "random" | "destinations" | "onProblem" | "onAsync"
>;

type Ended = Extract<Verdict, { readonly kind: "done" | "given-up" }>;

/** Composes what an event that has come to its end sends to destinations: nothing where none is set. */
export async function deliveriesOf(
  services: Pick<Needs, "scope" | "store" | "clock">,
  event: EventRecord,
  config: EventInvokeRecord | null,
  verdict: Ended,
): Promise<readonly Write[]> {
  const { scope, clock } = services;
  const givenUp = verdict.kind === "given-up" ? verdict.givenUp : null;
  const nowMs = clock.nowMs();
  const arn = functionArn(scope, event.functionName, event.qualifier ?? LATEST);
  const common = {
    requestId: event.requestId,
    functionName: event.functionName,
    functionArn: arn,
    isSuccess: givenUp === null,
    traceId: event.traceId === null ? null : headerOfRun(event.traceId, functionArn(scope, event.functionName)),
    attempts: 0,
    acceptedAtMs: nowMs,
    notBeforeMs: nowMs,
  };
  const made: Array<Omit<DeliveryRecord, "id">> = [];
  const destination = givenUp === null ? config?.onSuccess : config?.onFailure;
  if (destination !== undefined && destination !== null) {
    const body = asyncRecord({
      nowMs,
      requestId: event.requestId,
      functionArn: arn,
      condition: givenUp?.condition ?? "Success",
      invokeCount: givenUp?.invokeCount ?? event.attempts + 1,
      requestPayload: event.payload,
      lastRun: verdict.kind === "done" ? verdict.lastRun : verdict.givenUp.lastRun,
    });
    made.push({ ...common, destination, deadLetter: null, body });
  }
  const queue = givenUp === null ? null : await deadLetterArnOf(services, event);
  if (givenUp !== null && queue !== null)
    made.push({ ...common, destination: queue, deadLetter: letterOf(givenUp), body: event.payload });
  return made.map((delivery) => ({ op: "addDelivery", delivery }));
}

function letterOf({ errorCode, errorMessage }: GivenUp): DeliveryRecord["deadLetter"] {
  return { errorCode, errorMessage: deadLetterMessage(errorMessage) };
}

/** The queue or topic of the version that the event names; null where there is none, or no such version any more. */
async function deadLetterArnOf(
  services: Pick<Needs, "scope" | "store">,
  { functionName, qualifier }: EventRecord,
): Promise<string | null> {
  try {
    const { version } = await findVersion(services, functionName, qualifier ?? undefined);
    return version.config.deadLetterArn ?? null;
  } catch {
    return null;
  }
}

export class Deliveries {
  readonly #services: Needs;
  readonly #running = new Map<number, { readonly destination: string; readonly done: Promise<void> }>();
  /** Wakes the queue of events, which a delivery to a function has given one. */
  #onEvent: () => void = () => undefined;
  #isStarted = false;
  #isClosing = false;
  #hasNews = false;
  #pumping: Promise<void> | null = null;
  #cancelPoll: (() => void) | null = null;

  constructor(services: Needs) {
    this.#services = services;
  }

  start(onEvent: () => void): void {
    this.#onEvent = onEvent;
    this.#isStarted = true;
    this.pump();
  }

  /** Starts what is due; called when a delivery was added. */
  pump(): void {
    this.#hasNews = true;
    if (this.#isClosing || !this.#isStarted || this.#pumping !== null) return;
    this.#pumping = this.#pumpAll();
  }

  /** Waits for the deliveries under way, whose time is limited; the others are in the store. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelPoll?.();
    await this.#pumping;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #pumpAll(): Promise<void> {
    while (this.#hasNews && !this.#isClosing) {
      this.#hasNews = false;
      this.#cancelPoll?.();
      try {
        await this.#startDue();
      } catch (error) {
        this.#services.onProblem("read the deliveries to destinations", error);
        this.#pollAfter(POLL_MS_MAX);
      }
    }
    // In the turn of the last look for news: none comes between the two.
    this.#pumping = null;
  }

  async #startDue(): Promise<void> {
    const { store, clock } = this.#services;
    // One that ends while the list is read may still be in it; those under way are, too.
    const before = new Set(this.#running.keys());
    const listed = await store.listDeliveries(clock.nowMs(), AT_ONCE_OF_DESTINATION_MAX * 2);
    if (this.#isClosing) return;
    const due = listed.filter(({ id }) => !before.has(id));
    for (const delivery of due) if (this.#hasPlace(delivery)) this.#start(delivery);
    const nowMs = clock.nowMs();
    const nextMs = await store.nextDeliveryDueMs(nowMs);
    if (nextMs !== null || due.length > 0) this.#pollAfter(Math.min(POLL_MS_MAX, (nextMs ?? Infinity) - nowMs));
  }

  #hasPlace({ destination }: DeliveryRecord): boolean {
    const own = [...this.#running.values()].filter((each) => each.destination === destination).length;
    return this.#running.size < AT_ONCE_MAX && own < AT_ONCE_OF_DESTINATION_MAX;
  }

  #pollAfter(delayMs: number): void {
    if (!this.#isClosing) this.#cancelPoll = this.#services.clock.after(delayMs, () => this.pump());
  }

  #start(delivery: Stored<DeliveryRecord>): void {
    const { id, destination } = delivery;
    let hasFailed = false;
    const done = this.#carryOut(delivery)
      .catch((error: unknown) => {
        // The store failed: the delivery is still there, and is tried again by the next poll.
        hasFailed = true;
        this.#services.onProblem(`delivery of ${delivery.requestId} to ${destination}`, error);
      })
      .finally(() => this.#running.delete(id));
    this.#running.set(id, { destination, done });
    void done.then(() => (hasFailed ? this.#pollAfter(POLL_MS_MAX) : this.pump()));
  }

  async #carryOut(delivery: Stored<DeliveryRecord>): Promise<void> {
    const target = parseTarget(delivery.destination);
    if (target === null) return this.#invoke(delivery);
    const { changes, destinations } = this.#services;
    try {
      await destinations.send(target, messageOf(delivery));
    } catch (error) {
      return this.#failed(delivery, error);
    }
    await changes.commit([{ op: "removeDelivery", delivery }]);
  }

  /** The function that is the destination gets an event in the commit that ends the delivery. */
  async #invoke(delivery: Stored<DeliveryRecord>): Promise<void> {
    const { scope, changes, clock, random } = this.#services;
    const { destination, body, traceId } = delivery;
    if (body.length > EVENT_SIZE_BYTES_MAX)
      return this.#drop(delivery, `it has ${body.length} bytes, and an event has at most ${EVENT_SIZE_BYTES_MAX}`);
    const { name, qualifier } = parseFunctionName(scope, destination);
    const nowMs = clock.nowMs();
    const times = { attempts: 0, acceptedAtMs: nowMs, notBeforeMs: nowMs };
    const event = { functionName: name, qualifier, payload: body, clientContext: null, traceId, ...times };
    const added = await changes.commit([
      { op: "addEvent", event: { requestId: random.uuid(), ...event } },
      { op: "removeDelivery", delivery },
    ]);
    if (added === "changed") return this.#drop(delivery, `Function not found: ${destination}`);
    this.#services.onAsync({ kind: "received", functionName: name });
    this.#onEvent();
  }

  async #failed(delivery: Stored<DeliveryRecord>, error: unknown): Promise<void> {
    const { changes, clock, onProblem } = this.#services;
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof DestinationError && error.isFinal) return this.#drop(delivery, text);
    const nowMs = clock.nowMs();
    if (nowMs - delivery.acceptedAtMs > AGE_MS_MAX) return this.#drop(delivery, `four days of attempts: ${text}`);
    // Once for each delivery: the attempts that follow say the same.
    if (delivery.attempts === 0) onProblem(`${nameOf(delivery)} waits for another attempt`, error);
    const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(delivery.attempts, 30));
    await changes.commit([{ op: "postponeDelivery", delivery, notBeforeMs: nowMs + backoffMs }]);
  }

  async #drop(delivery: Stored<DeliveryRecord>, why: string): Promise<void> {
    const { changes, onProblem, onAsync } = this.#services;
    if ((await changes.commit([{ op: "removeDelivery", delivery }])) === "changed") return;
    const { functionName, deadLetter } = delivery;
    if (functionName !== "")
      onAsync({ kind: deadLetter === null ? "delivery-failed" : "dead-letter-failed", functionName });
    onProblem(`${nameOf(delivery)} is dropped`, new Error(why));
  }
}

function nameOf({ requestId, functionName, functionArn, destination, deadLetter }: DeliveryRecord): string {
  if (functionName === "") return `the event of request ${requestId} to ${functionArn} for ${destination}`;
  const what = deadLetter === null ? "the record" : "the dead letter";
  return `${what} of event ${requestId} of ${functionName} for ${destination}`;
}

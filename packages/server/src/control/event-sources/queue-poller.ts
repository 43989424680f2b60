/**
 * Reads one queue for one mapping: receives, assembles batches, runs them side by side, and deletes what succeeded.
 * What did not is left to the queue: its visibility timeout brings a message back, its redrive policy takes it away. So
 * nothing is kept here, and a crash at any point only means that messages come back.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
import { Turns } from "../../base/turns.ts";
import { EventSourceError, type QueueReader, type QueueRef, type ReceivedMessage } from "../../ports/event-sources.ts";
import { REQUEST_SIZE_BYTES_MAX } from "../invoke/payload-sizes.ts";
import { type BatchVerdict, verdictOf } from "./batch-response.ts";
import { BatchLimit, GROWTH_INTERVAL_MS } from "./batch-limit.ts";
import { type Filter, filterOf } from "./filters.ts";
import { backoffMs, type OwnReport, pauseUntil, type Poller, type PollerParts, RESULT_OK } from "./polling.ts";
import { EVENT_FRAME_BYTES, queueEvent, type QueueItem, queueItem, queueRecord } from "./queue-event.ts";
import { runBatch } from "./run-batch.ts";

/** As many as a queue gives and takes at once. */
const RECEIVE_MAX = 10;
const LONG_POLL_S = 20;
/** Receives at the same time while a large batch is assembled from a backlog. */
const RECEIVES_AT_ONCE_MAX = 5;
/** Bytes of batches that run; no more is received beyond. */
const RUNNING_BYTES_MAX = 64 * 2 ** 20;
/** Least time that an empty receive takes: a service that does not wait must not make a busy loop. */
const EMPTY_RECEIVE_MS_MIN = 1000;
const VISIBILITY_LOOK_MS = 60_000;
/** Attempts to delete what succeeded; afterwards the messages come back. */
const REMOVALS_MAX = 4;
/** Time at the end of a visibility timeout in which nothing is begun: the message may be somebody else's. */
const VISIBILITY_MARGIN_MS = 500;

interface Received extends QueueItem {
  /** Monotonic time until which the message is ours. */
  readonly visibleAtMs: number;
}

export class QueuePoller implements Poller {
  readonly #parts: PollerParts;
  readonly #queue: QueueReader;
  readonly #ref: QueueRef;
  readonly #arn: string;
  readonly #isFifo: boolean;
  readonly #filter: Filter | null;
  readonly #limit: BatchLimit;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #runningBytes = 0;
  /** Wakes the loop that waits for a place. */
  #onPlace: () => void = () => undefined;
  /** Received, and too large for the batch before. */
  #carried: Received[] = [];
  #visibilityMs = 0;
  #visibilityReadAtMs = Number.NEGATIVE_INFINITY;
  /** Attempts in a row that the source failed. */
  #failures = 0;
  /** Batches in a row that could not run because of the function. */
  #putOff = 0;
  #hasBacklog = false;

  constructor(parts: PollerParts, ref: QueueRef, queue: QueueReader) {
    const { services, mapping } = parts;
    this.#parts = parts;
    this.#ref = ref;
    this.#queue = queue;
    this.#arn = mapping.config.EventSourceArn ?? "";
    this.#isFifo = ref.name.endsWith(".fifo");
    this.#filter = filterOf(mapping.config.FilterCriteria, "body");
    this.#limit = new BatchLimit(mapping.config, services.limits.concurrencyMax, services.clock.monotonicMs());
  }

  stop(): void {
    this.#stopping.abort();
    this.#onPlace();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#place();
      if (signal.aborted) break;
      try {
        const batch = await this.#assemble();
        if (batch.length > 0) this.#start(batch);
      } catch (error) {
        await this.#pollFailed(error);
      }
    }
    await this.#giveBack(this.#carried);
    await Promise.all(this.#running);
  }

  /** Waits until another batch may run. */
  async #place(): Promise<void> {
    const { clock } = this.#parts.services;
    while (
      !this.#stopping.signal.aborted &&
      (this.#running.size >= this.#limit.count || this.#runningBytes >= RUNNING_BYTES_MAX)
    ) {
      if (this.#hasBacklog && this.#runningBytes < RUNNING_BYTES_MAX) this.#limit.onBacklog(clock.monotonicMs());
      if (this.#running.size < this.#limit.count && this.#runningBytes < RUNNING_BYTES_MAX) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(GROWTH_INTERVAL_MS, resolve);
        this.#onPlace = () => {
          cancel();
          resolve();
        };
      });
    }
    if (this.#putOff > 0) await this.#pause(this.#putOff);
  }

  /** Receives one batch; empty where the queue is, or where the poller is stopped meanwhile. */
  async #assemble(): Promise<readonly Received[]> {
    const { clock } = this.#parts.services;
    const { BatchSize: sizeMax = RECEIVE_MAX, MaximumBatchingWindowInSeconds: windowS = 0 } =
      this.#parts.mapping.config;
    const batch = new Batch(sizeMax);
    for (const item of this.#carried.splice(0)) this.#add(batch, item);
    let endMs = batch.items.length > 0 ? clock.monotonicMs() + windowS * 1000 : null;
    while (!batch.isFull && !this.#stopping.signal.aborted) {
      const leftMs = endMs === null ? LONG_POLL_S * 1000 : endMs - clock.monotonicMs();
      if (leftMs <= 0 && batch.items.length > 0) break;
      try {
        await this.#receiveInto(batch, Math.min(LONG_POLL_S, Math.ceil(leftMs / 1000)));
      } catch (error) {
        if (batch.items.length === 0) throw error;
        await this.#pollFailed(error);
        break;
      }
      if (batch.items.length === 0) return [];
      endMs ??= clock.monotonicMs() + windowS * 1000;
    }
    if (!this.#stopping.signal.aborted) return batch.items;
    await this.#giveBack(batch.items);
    return [];
  }

  async #receiveInto(batch: Batch, waitS: number): Promise<void> {
    const { clock } = this.#parts.services;
    const missing = batch.sizeMax - batch.items.length;
    const count = this.#hasBacklog ? Math.min(RECEIVES_AT_ONCE_MAX, Math.ceil(missing / RECEIVE_MAX)) : 1;
    await this.#lookAtVisibility();
    const startMs = clock.monotonicMs();
    const { signal } = this.#stopping;
    const wishes = Array.from({ length: count }, (_, index) => Math.min(RECEIVE_MAX, missing - index * RECEIVE_MAX));
    // Of several some may come too late for the last messages: they must not hold up those that have some.
    const ownWaitS = count === 1 ? waitS : Math.min(waitS, 1);
    const answers = await Promise.allSettled(wishes.map((wish) => this.#queue.receive(wish, ownWaitS, signal)));
    const messages = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined && messages.length === 0) throw failed.reason as Error;
    this.#recovered();
    const asked = wishes.reduce((sum, wish) => sum + wish, 0);
    this.#hasBacklog = messages.length >= asked;
    const visibleAtMs = startMs + this.#visibilityMs;
    const kept = await this.#sift(messages.map((message) => ({ message, visibleAtMs })));
    for (const item of kept) this.#add(batch, item);
    const tookMs = clock.monotonicMs() - startMs;
    if (messages.length === 0 && tookMs < EMPTY_RECEIVE_MS_MIN && !signal.aborted)
      await pauseUntil(clock, EMPTY_RECEIVE_MS_MIN - tookMs, signal);
  }

  /** Drops what the filter criteria don't want: out of the queue, as on AWS. */
  async #sift(
    received: ReadonlyArray<{ readonly message: Parameters<typeof queueRecord>[0]; readonly visibleAtMs: number }>,
  ): Promise<readonly Received[]> {
    if (received.length === 0) return [];
    this.#report({ kind: "polled", count: received.length });
    const dropped: ReceivedMessage[] = [];
    const kept: Received[] = [];
    const turns = new Turns(this.#parts.services.clock);
    for (const { message, visibleAtMs } of received) {
      const record = queueRecord(message, this.#arn, this.#ref.region);
      if (this.#filter?.(record, message.body) === false) dropped.push(message);
      else kept.push({ ...queueItem(message, record), visibleAtMs });
      await turns.next();
    }
    if (dropped.length > 0) {
      this.#report({ kind: "filtered", count: dropped.length });
      await this.#remove(dropped);
    }
    return kept;
  }

  /** Puts a message into the batch, or aside for the next one. */
  #add(batch: Batch, item: Received): void {
    if (batch.add(item)) return;
    batch.isFull = true;
    if (!this.#isFifo) this.#carried.push(item);
    // Before it in its group may be one of this batch: the queue gives it again when that has ended.
    else void this.#giveBack([item]);
  }

  #start(batch: readonly Received[]): void {
    const sizeBytes = batch.reduce((sum, item) => sum + item.sizeBytes, 0);
    this.#runningBytes += sizeBytes;
    const done = this.#carryOut(batch)
      .catch((error: unknown) => this.#problem("a batch", error))
      .finally(() => {
        this.#running.delete(done);
        this.#runningBytes -= sizeBytes;
        this.#onPlace();
      });
    this.#running.add(done);
  }

  async #carryOut(batch: readonly Received[]): Promise<void> {
    const verdict = await this.#runUntilJudged(batch);
    const { onResult } = this.#parts;
    if (verdict === null) return this.#report({ kind: "ended", result: "put-off", failedCount: batch.length });
    const failed = verdict.kind === "partial" ? verdict.failed : null;
    const isDone = ({ messageId }: Received): boolean => verdict.kind === "success" || failed?.has(messageId) === false;
    const done = batch.filter(isDone);
    this.#report({ kind: "ended", result: verdict.kind, failedCount: batch.length - done.length });
    // A queue's mapping shows a result only where there was a problem; a partial failure is the function's answer.
    onResult(verdict.kind === "failure" ? `PROBLEM: ${capital(verdict.why)}` : RESULT_OK);
    if (done.length > 0) await this.#remove(done);
  }

  /** Null where the function could not run for as long as the messages are ours. */
  async #runUntilJudged(batch: readonly Received[]): Promise<BatchVerdict | null> {
    const { services, run, mapping, onResult } = this.#parts;
    const { clock, random } = services;
    const payload = queueEvent(batch);
    if (payload.length > REQUEST_SIZE_BYTES_MAX) return this.#tooLarge(batch, payload.length);
    const traceId = batch.find((item) => item.traceId !== null)?.traceId ?? null;
    const endMs = Math.min(...batch.map((item) => item.visibleAtMs)) - VISIBILITY_MARGIN_MS;
    const lagMs = lagOf(batch, clock.nowMs());
    for (let attempt = 1; ; attempt++) {
      this.#report({ kind: "started", lagMs });
      const ran = await runBatch(run, mapping, { requestId: random.uuid(), payload, traceId });
      if (ran.kind !== "again") this.#putOff = 0;
      if (ran.kind === "answered") return this.#judge(batch, ran.payload);
      if (ran.kind === "failed")
        return { kind: "failure", why: ran.functionError === null ? ran.why : "Function call failed" };
      onResult(`PROBLEM: ${ran.why}`);
      if (ran.isThrottled) this.#limit.onThrottle(clock.monotonicMs());
      const waitMs = backoffMs(attempt, random.fraction());
      if (clock.monotonicMs() + waitMs > endMs) {
        // The queue counts each receive: what can't run must not use up the messages' receives at full speed.
        this.#putOff++;
        return null;
      }
      await pauseUntil(clock, waitMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) {
        await this.#giveBack(batch);
        return null;
      }
    }
  }

  #judge(batch: readonly Received[], answer: Buffer): BatchVerdict {
    const { config } = this.#parts.mapping;
    if (config.FunctionResponseTypes?.includes("ReportBatchItemFailures") !== true) return { kind: "success" };
    return verdictOf(answer, new Set(batch.map(({ messageId }) => messageId)), false);
  }

  #tooLarge(batch: readonly Received[], sizeBytes: number): BatchVerdict {
    const why = `the event of message ${batch[0]?.messageId} has ${sizeBytes} bytes, and an invoke takes ${REQUEST_SIZE_BYTES_MAX}`;
    this.#problem("a message", new Error(`${why}; it stays in its queue`));
    return { kind: "failure", why };
  }

  /** Deletes messages, again where the queue fails; those that it keeps come back. */
  async #remove(messages: readonly ReceivedMessage[]): Promise<void> {
    const { clock, random } = this.#parts.services;
    let left: readonly ReceivedMessage[] = messages;
    let problem: unknown = new Error(`the queue kept ${left.length} messages`);
    for (let attempt = 1; attempt <= REMOVALS_MAX; attempt++) {
      try {
        left = await this.#queue.remove(left, NEVER);
      } catch (error) {
        problem = error;
      }
      if (left.length === 0) return;
      if (attempt < REMOVALS_MAX) await pauseUntil(clock, backoffMs(attempt, random.fraction()), NEVER);
    }
    this.#problem(`${left.length} messages that were done with are not deleted, and come back`, problem);
  }

  /** Makes messages visible again that nobody has run; where that fails their timeout does it. */
  async #giveBack(messages: readonly ReceivedMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#queue.release(messages, NEVER).catch(() => undefined);
  }

  async #lookAtVisibility(): Promise<void> {
    const { clock } = this.#parts.services;
    if (clock.monotonicMs() - this.#visibilityReadAtMs < VISIBILITY_LOOK_MS) return;
    this.#visibilityMs = await this.#queue.visibilityTimeoutMs(this.#stopping.signal);
    this.#visibilityReadAtMs = clock.monotonicMs();
  }

  /** Told once for each outage; the pauses grow to a minute. */
  async #pollFailed(error: unknown): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#failures++;
    this.#report({ kind: "poll-failed" });
    this.#parts.onResult(`PROBLEM: ${error instanceof Error ? error.message : String(error)}`);
    if (this.#failures === 1 || !(error instanceof EventSourceError)) this.#problem("it can't be read", error);
    await this.#pause(this.#failures);
  }

  #recovered(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#parts.onResult(RESULT_OK);
  }

  #pause(failures: number): Promise<void> {
    const { clock, random } = this.#parts.services;
    return pauseUntil(clock, backoffMs(failures, random.fraction()), this.#stopping.signal);
  }

  #problem(what: string, error: unknown): void {
    const { services, mapping } = this.#parts;
    services.onProblem(`event source ${this.#arn} of ${mapping.functionName}: ${what}`, error);
  }

  #report(report: OwnReport): void {
    const { services, mapping } = this.#parts;
    services.onEventSource({ ...report, functionName: mapping.functionName, service: "sqs" });
  }
}

/** Removals and releases outlive a stop: they are short, and the clients have limits of their own. */
const NEVER = new AbortController().signal;

class Batch {
  readonly items: Received[] = [];
  readonly sizeMax: number;
  isFull = false;
  #sizeBytes = EVENT_FRAME_BYTES;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  /** False where it does not fit. A message that fits into no event is a batch by itself. */
  add(item: Received): boolean {
    const sizeBytes = this.#sizeBytes + item.sizeBytes + (this.items.length > 0 ? 1 : 0);
    if (this.items.length > 0 && (this.isFull || sizeBytes > REQUEST_SIZE_BYTES_MAX)) return false;
    this.items.push(item);
    this.#sizeBytes = sizeBytes;
    this.isFull = this.items.length >= this.sizeMax || sizeBytes >= REQUEST_SIZE_BYTES_MAX;
    return true;
  }
}

function lagOf(batch: readonly Received[], nowMs: number): number | null {
  const sent = batch.flatMap(({ sentAtMs }) => sentAtMs ?? []);
  return sent.length === 0 ? null : Math.max(0, nowMs - Math.min(...sent));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

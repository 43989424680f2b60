/** The outside of a shard's reader: its record in the store, its function, its destination, and its figures. */
import type { Clock } from "../../base/clock.ts";
import { functionArn } from "../../model/function-name.ts";
import { parseTarget } from "../../model/destination.ts";
import type { EventSourceShardRecord } from "../../model/event-source-record.ts";
import type { Write } from "../../ports/metadata-store.ts";
import { backoffMs, type OwnReport, pauseUntil, type PollerParts, RESULT_OK } from "./polling.ts";
import { type BatchRun, runBatch } from "./run-batch.ts";
import { REQUEST_SIZE_BYTES_MAX } from "../invoke/payload-sizes.ts";
import type { BatchHost, GivenUpBatch } from "./stream-batch.ts";
import { failureRecord, streamEvent, type StreamFacts, type StreamItem, type WindowFacts } from "./stream-event.ts";
import { EMPTY_STATE, stateOf, windowEndOf, windowStartOf } from "./tumbling-window.ts";

const NO_STATE = "the function's answer has no state of at most 1 MB, which its tumbling window needs";

export class ShardHost {
  readonly #parts: PollerParts;
  readonly #facts: StreamFacts;
  readonly #signal: AbortSignal;
  #shard: EventSourceShardRecord;
  /** State that the last run answered; kept with the records that it covers. */
  #newState: string | null = null;
  #requestId = "";

  constructor(parts: PollerParts, facts: StreamFacts, shard: EventSourceShardRecord, signal: AbortSignal) {
    this.#parts = parts;
    this.#facts = facts;
    this.#shard = shard;
    this.#signal = signal;
  }

  get shard(): EventSourceShardRecord {
    return this.#shard;
  }

  get clock(): Clock {
    return this.#parts.services.clock;
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  fraction(): number {
    return this.#parts.services.random.fraction();
  }

  onResult(result: string): void {
    this.#parts.onResult(result);
  }

  pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return pauseUntil(this.clock, delayMs, signal);
  }

  polled(count: number): void {
    this.#report({ kind: "polled", count });
  }

  filtered(count: number): void {
    this.#report({ kind: "filtered", count });
  }

  pollFailed(error: unknown, failures: number): void {
    const { services, mapping, onResult } = this.#parts;
    this.#report({ kind: "poll-failed" });
    onResult(`PROBLEM: ${error instanceof Error ? error.message : String(error)}`);
    if (failures > 1) return;
    services.onProblem(
      `event source ${this.#facts.arn} of ${mapping.functionName}: shard ${this.#facts.shardId}`,
      error,
    );
  }

  /** Everything up to this record is done with. */
  passed(sequenceNumber: string): Promise<void> {
    return this.#save({ position: sequenceNumber });
  }

  ended(): Promise<void> {
    return this.#save({ isEnded: true });
  }

  /** `moves`: whether what is done with moves the place in the shard; with several lanes the reader does that. */
  batchHost(moves: boolean): BatchHost {
    const { services } = this.#parts;
    const signal = this.#signal;
    return {
      run: (items) => this.#run(items, this.#window(false)),
      done: async (items) => {
        if (moves) await this.#save({ position: lastOf(items), ...this.#keptState() });
      },
      givenUp: async (items, end) => {
        const sent = this.#deliveryOf(items, end);
        await this.#save(moves ? { position: lastOf(items) } : {}, sent);
        this.#report({ kind: "dropped", count: items.length });
        if (sent.length > 0) this.#parts.onDelivery();
        else this.#tellDropped(items, end);
      },
      onRun: (result, failed, why) => {
        this.#report({ kind: "ended", result, failedCount: failed.length });
        this.#parts.onResult(why === null ? RESULT_OK : `PROBLEM: ${why}`);
      },
      nowMs: () => services.clock.nowMs(),
      pause: (attempts) => pauseUntil(services.clock, backoffMs(attempts, services.random.fraction()), signal),
      get isStopped() {
        return signal.aborted;
      },
    };
  }

  /** Makes sure that the window of a batch is open; the one before it is closed. */
  async openWindow(batch: readonly StreamItem[]): Promise<void> {
    const windowS = this.#windowS;
    const first = batch[0];
    if (windowS === 0 || first === undefined) return;
    const startMs = windowStartOf(first.arrivedAtMs, windowS);
    // A record that comes late belongs to the window that is open.
    if (this.#shard.window !== null && startMs <= this.#shard.window.startMs) return;
    await this.#finishWindow();
    await this.#save({ window: { startMs, state: EMPTY_STATE } });
  }

  /** Closes the window where its time is over and nothing is left to be read, or where the shard ends. */
  async closeWindow(isCaughtUp: boolean, isShardEnd: boolean): Promise<void> {
    const { window } = this.#shard;
    if (window === null || !isCaughtUp) return;
    if (isShardEnd || this.clock.nowMs() >= windowEndOf(window.startMs, this.#windowS)) await this.#finishWindow();
  }

  /** The last run of a window has no records. It is tried until it succeeds, or as often as the mapping says. */
  async #finishWindow(): Promise<void> {
    if (this.#shard.window === null) return;
    const { MaximumRetryAttempts: retries = -1 } = this.#parts.mapping.config;
    for (let runs = 1; !this.#signal.aborted; runs++) {
      const ran = await this.#run([], this.#window(true), false);
      if (ran.kind === "answered" || (retries >= 0 && ran.kind === "failed" && runs > retries)) break;
      this.#parts.onResult(`PROBLEM: ${ran.why}`);
      await this.pause(backoffMs(runs, this.fraction()), this.#signal);
    }
    if (!this.#signal.aborted) await this.#save({ window: null });
  }

  get #windowS(): number {
    return this.#parts.mapping.config.TumblingWindowInSeconds ?? 0;
  }

  #window(isFinal: boolean): WindowFacts | null {
    const { window } = this.#shard;
    if (window === null) return null;
    const { startMs, state } = window;
    return { startMs, endMs: windowEndOf(startMs, this.#windowS), state, isFinal, isTerminatedEarly: false };
  }

  #keptState(): Pick<EventSourceShardRecord, "window"> | Record<string, never> {
    const { window } = this.#shard;
    if (window === null || this.#newState === null) return {};
    return { window: { ...window, state: this.#newState } };
  }

  async #run(items: readonly StreamItem[], window: WindowFacts | null, wantsState = true): Promise<BatchRun> {
    const { services, run, mapping } = this.#parts;
    const payload = streamEvent(items, this.#facts, window);
    if (payload.length > REQUEST_SIZE_BYTES_MAX) {
      const why = `an event of ${items.length} records has ${payload.length} bytes, and an invoke takes ${REQUEST_SIZE_BYTES_MAX}`;
      return { kind: "failed", why, executedVersion: "", functionError: null };
    }
    const first = items[0];
    const lagMs = first === undefined ? null : Math.max(0, services.clock.nowMs() - first.arrivedAtMs);
    this.#report({ kind: "started", lagMs });
    this.#requestId = services.random.uuid();
    const ran = await runBatch(run, mapping, { requestId: this.#requestId, payload, traceId: null });
    if (window === null || ran.kind !== "answered" || !wantsState) return ran;
    this.#newState = stateOf(ran.payload);
    if (this.#newState !== null) return ran;
    return { kind: "failed", why: NO_STATE, executedVersion: ran.executedVersion, functionError: null };
  }

  #deliveryOf(items: readonly StreamItem[], { condition, invokeCount, lastRun }: GivenUpBatch): readonly Write[] {
    const { services, mapping } = this.#parts;
    const destination = mapping.config.DestinationConfig?.OnFailure?.Destination ?? "";
    const target = destination === "" ? null : parseTarget(destination);
    if (target === null) return [];
    const nowMs = services.clock.nowMs();
    const arn = functionArn(services.scope, mapping.functionName, mapping.qualifier);
    const requestId = this.#requestId === "" ? services.random.uuid() : this.#requestId;
    const ranOnce = lastRun === null || lastRun.kind === "again" || lastRun.executedVersion === "" ? null : lastRun;
    const body = failureRecord({
      requestId,
      functionArn: arn,
      condition,
      invokeCount,
      response:
        ranOnce === null
          ? null
          : {
              executedVersion: ranOnce.executedVersion,
              functionError: ranOnce.kind === "failed" ? ranOnce.functionError : null,
            },
      nowMs,
      items,
      facts: this.#facts,
      withRecords: target.service === "s3",
    });
    const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(":", ".");
    const day = time.slice(0, 10).replaceAll("-", "/");
    const delivery = {
      requestId,
      functionName: mapping.functionName,
      functionArn: arn,
      destination,
      deadLetter: null,
      isSuccess: false,
      objectKey: `aws/lambda/${mapping.id}/${this.#facts.shardId}/${day}/${time}-${services.random.uuid()}`,
      traceId: null,
      body,
      attempts: 0,
      acceptedAtMs: nowMs,
      notBeforeMs: nowMs,
    };
    return [{ op: "addDelivery", delivery }];
  }

  #tellDropped(items: readonly StreamItem[], { condition }: GivenUpBatch): void {
    const { services, mapping } = this.#parts;
    const what = `event source ${this.#facts.arn} of ${mapping.functionName}`;
    const from = `${items[0]?.sequenceNumber} to ${lastOf(items)} of ${this.#facts.shardId}`;
    services.onProblem(what, new Error(`${items.length} records are dropped (${condition}): ${from}`));
  }

  /** Another writer of the row is only its removal with the mapping: then nothing is kept. */
  async #save(change: Partial<EventSourceShardRecord>, more: readonly Write[] = []): Promise<void> {
    const { changes, store } = this.#parts.services;
    const over = await store.getAccountEntry("eventSourceShard", this.#shard.id);
    const record = { ...this.#shard, ...change };
    this.#shard = record;
    this.#newState = null;
    const writes: readonly Write[] = over === null ? [] : [{ op: "put", kind: "eventSourceShard", record, over }];
    if (writes.length + more.length > 0) await changes.commit([...writes, ...more]);
  }

  #report(report: OwnReport): void {
    const { services, mapping } = this.#parts;
    const { service } = this.#facts;
    services.onEventSource({ ...report, functionName: mapping.functionName, service });
  }
}

function lastOf(items: readonly StreamItem[]): string {
  return items.at(-1)?.sequenceNumber ?? "";
}

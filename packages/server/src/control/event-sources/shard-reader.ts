/**
 * Reads one shard for one mapping: one batch after the other, in the order of the shard, and never past a batch that is
 * not done with. With a ParallelizationFactor batches of different keys run side by side. How far it has come is
 * durable after each batch: after a crash it goes on there, with what was under way once more.
 */
import { Turns } from "../../base/turns.ts";
import { EventSourceError, type ShardStart, type StreamReader, type StreamRecord } from "../../ports/event-sources.ts";
import type { EventSourceConfig } from "../../model/event-source-record.ts";
import { createHash } from "node:crypto";
import { REQUEST_SIZE_BYTES_MAX } from "../invoke/payload-sizes.ts";
import type { Filter } from "./filters.ts";
import { backoffMs, pauseUntil, RESULT_OK } from "./polling.ts";
import { carryOutBatch, type BatchHost } from "./stream-batch.ts";
import type { ShardHost } from "./shard-host.ts";
import { STREAM_FRAME_BYTES, type StreamFacts, type StreamItem, streamItem } from "./stream-event.ts";
import { windowStartOf } from "./tumbling-window.ts";

/** Records of one read, however large the batches are. */
const READ_MAX = 10_000;

export interface ShardParts {
  readonly host: ShardHost;
  readonly stream: StreamReader;
  readonly facts: StreamFacts;
  readonly config: EventSourceConfig;
  readonly filter: Filter | null;
  /** The mapping's start, where this is its first reading of the shard; null: it goes on from its record. */
  readonly first: ShardStart | null;
  readonly signal: AbortSignal;
}

export class ShardReader {
  readonly #parts: ShardParts;
  readonly #pollMs: number;
  #iterator: string | null = null;
  #isAtEnd = false;
  /** Read, and not run yet. */
  #waiting: StreamItem[] = [];
  /** Monotonic time of the first record that waits; null: none does. */
  #sinceMs: number | null = null;
  #failures = 0;
  /** Records that arrived before are none of the mapping's; null: all are. */
  #dropsBeforeMs: number | null = null;
  #first: ShardStart | null;

  constructor(parts: ShardParts) {
    this.#parts = parts;
    this.#first = parts.first;
    this.#pollMs = parts.facts.service === "kinesis" ? 1000 : 250;
  }

  /** Resolves when all of the shard is done with, or when the poller is stopped. Never rejects. */
  async run(): Promise<void> {
    const { host, signal } = this.#parts;
    while (!signal.aborted) {
      try {
        if (await this.#turn()) return;
        if (this.#failures > 0) host.onResult(RESULT_OK);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof EventSourceError && error.problem === "expired") this.#iterator = null;
        this.#failures++;
        host.pollFailed(error, this.#failures);
        await host.pause(backoffMs(this.#failures, host.fraction()), signal);
      }
    }
  }

  /** Reads once, and runs what is ready. True when the shard is at its end. */
  async #turn(): Promise<boolean> {
    const { host, config, signal } = this.#parts;
    const sizeMax = (config.BatchSize ?? 100) * this.#lanes;
    let isEmpty = true;
    if (!this.#isAtEnd && this.#waiting.length < sizeMax) isEmpty = (await this.#read(sizeMax)) === 0;
    const windowMs = (config.MaximumBatchingWindowInSeconds ?? 0) * 1000;
    const isReady =
      this.#waiting.length >= sizeMax ||
      this.#isAtEnd ||
      this.#waitingBytes >= REQUEST_SIZE_BYTES_MAX ||
      (this.#sinceMs !== null && host.monotonicMs() - this.#sinceMs >= windowMs);
    if (this.#waiting.length > 0 && isReady) await this.#runWaiting(sizeMax);
    if (signal.aborted) return false;
    await host.closeWindow(isEmpty && this.#waiting.length === 0, this.#isAtEnd);
    if (this.#isAtEnd && this.#waiting.length === 0) {
      await host.ended();
      return true;
    }
    if (isEmpty && this.#waiting.length === 0) await pauseUntil(host.clock, this.#pollMs, signal);
    else if (isEmpty && !isReady) await pauseUntil(host.clock, Math.min(this.#pollMs, windowMs), signal);
    return false;
  }

  get #lanes(): number {
    const { ParallelizationFactor: factor = 1, TumblingWindowInSeconds: windowS = 0 } = this.#parts.config;
    // The state of a window is the shard's: its batches follow one another.
    return windowS > 0 ? 1 : factor;
  }

  get #waitingBytes(): number {
    return this.#waiting.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Returns how many records came. */
  async #read(sizeMax: number): Promise<number> {
    const { host, stream, signal } = this.#parts;
    this.#iterator ??= await this.#open();
    const part = await stream.read(this.#iterator, Math.min(READ_MAX, sizeMax - this.#waiting.length), signal);
    this.#iterator = part.nextIterator;
    if (part.nextIterator === null) this.#isAtEnd = true;
    if (part.records.length > 0) host.polled(part.records.length);
    let dropped = 0;
    const turns = new Turns(host.clock);
    for (const record of part.records) {
      if (this.#isOurs(record)) this.#waiting.push(streamItem(record, this.#parts.facts));
      else dropped++;
      await turns.next();
    }
    if (dropped > 0) {
      host.filtered(dropped);
      // Nothing waits that is before them, so that they need not be read again.
      const last = part.records.at(-1);
      if (this.#waiting.length === 0 && last !== undefined) await host.passed(last.sequenceNumber);
    }
    if (this.#waiting.length > 0) this.#sinceMs ??= host.monotonicMs();
    return part.records.length;
  }

  #isOurs(record: StreamRecord): boolean {
    const { filter, facts } = this.#parts;
    if (this.#dropsBeforeMs !== null && record.arrivedAtMs < this.#dropsBeforeMs) return false;
    if (filter === null) return true;
    const data = record.data["data"];
    const text = facts.service === "kinesis" && typeof data === "string" ? Buffer.from(data, "base64").toString() : "";
    return filter(record.data, text);
  }

  async #open(): Promise<string> {
    const { stream, facts, signal } = this.#parts;
    const start = this.#startNow();
    // What waits is read again.
    this.#waiting = [];
    this.#sinceMs = null;
    try {
      return await stream.iterator(facts.shardId, start, signal);
    } catch (error) {
      if (!(error instanceof EventSourceError) || error.problem !== "expired") throw error;
      // It is no longer in the stream: what is left of it begins later.
      return stream.iterator(facts.shardId, { kind: "TRIM_HORIZON" }, signal);
    }
  }

  /** Where the shard is opened. LATEST is only for the first time: later it would leave records out. */
  #startNow(): ShardStart {
    const { facts, host } = this.#parts;
    const { position, fromMs } = host.shard;
    const first = this.#first;
    this.#first = null;
    this.#dropsBeforeMs = null;
    if (position !== null) return { kind: "AFTER_SEQUENCE_NUMBER", sequenceNumber: position };
    if (first !== null) return first;
    if (fromMs === null) return { kind: "TRIM_HORIZON" };
    if (facts.service === "kinesis") return { kind: "AT_TIMESTAMP", atMs: fromMs };
    // Its records have whole seconds.
    this.#dropsBeforeMs = Math.floor(fromMs / 1000) * 1000;
    return { kind: "TRIM_HORIZON" };
  }

  async #runWaiting(sizeMax: number): Promise<void> {
    const chunk = this.#waiting.slice(0, sizeMax);
    const isDone = this.#lanes === 1 ? await this.#runInOrder(chunk) : await this.#runSideBySide(chunk);
    // Stopped: what is not done with is read again by the next poller.
    if (!isDone) return;
    this.#waiting.splice(0, chunk.length);
    this.#sinceMs = this.#waiting.length > 0 ? this.#parts.host.monotonicMs() : null;
  }

  async #runInOrder(chunk: readonly StreamItem[]): Promise<boolean> {
    const { host, config } = this.#parts;
    for (const batch of this.#batchesOf(chunk)) {
      await host.openWindow(batch);
      if (!(await carryOutBatch(config, batch, host.batchHost(true)))) return false;
    }
    return true;
  }

  /** Each key is in one lane; the place in the shard moves on when all lanes are through. */
  async #runSideBySide(chunk: readonly StreamItem[]): Promise<boolean> {
    const { host, config } = this.#parts;
    const lanes = Array.from({ length: this.#lanes }, () => [] as StreamItem[]);
    for (const item of chunk) lanes[laneOf(item.key, this.#lanes)]?.push(item);
    const batchHost: BatchHost = host.batchHost(false);
    const isDone = await Promise.all(
      lanes.map(async (lane) => {
        for (const batch of this.#batchesOf(lane)) if (!(await carryOutBatch(config, batch, batchHost))) return false;
        return true;
      }),
    );
    const last = chunk.at(-1);
    if (isDone.includes(false) || last === undefined) return false;
    await host.passed(last.sequenceNumber);
    return true;
  }

  /** Cuts records into batches of BatchSize records, 6 MB and one window at most. */
  #batchesOf(items: readonly StreamItem[]): readonly (readonly StreamItem[])[] {
    const { BatchSize: sizeMax = 100, TumblingWindowInSeconds: windowS = 0 } = this.#parts.config;
    const batches: StreamItem[][] = [];
    let sizeBytes = 0;
    for (const item of items) {
      const batch = batches.at(-1);
      const isOver =
        batch === undefined ||
        batch.length >= sizeMax ||
        sizeBytes + item.sizeBytes + 1 > REQUEST_SIZE_BYTES_MAX - STREAM_FRAME_BYTES ||
        windowStartOf(item.arrivedAtMs, windowS) !== windowStartOf(batch[0]?.arrivedAtMs ?? 0, windowS);
      if (isOver) batches.push([item]);
      else batch.push(item);
      sizeBytes = isOver ? item.sizeBytes : sizeBytes + item.sizeBytes + 1;
    }
    return batches;
  }
}

function laneOf(key: string, lanes: number): number {
  return createHash("md5").update(key).digest().readUInt32BE(0) % lanes;
}

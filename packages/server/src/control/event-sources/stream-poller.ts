/**
 * Reads a stream for one mapping: finds its shards, and has each read from where the mapping has come to, children
 * after their parents.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
 */
import { type EventSourceShardRecord, shardKey } from "../../model/event-source-record.ts";
import type { Shard, ShardStart, StreamReader, StreamRef } from "../../ports/event-sources.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import { filterOf } from "./filters.ts";
import { backoffMs, pauseUntil, type Poller, type PollerParts, RESULT_OK } from "./polling.ts";
import { ShardHost } from "./shard-host.ts";
import { ShardReader } from "./shard-reader.ts";
import type { StreamFacts } from "./stream-event.ts";

/** Time between two looks for new shards; the end of a shard is looked after at once. */
const SHARDS_LOOK_MS = 10_000;

export class StreamPoller implements Poller {
  readonly #parts: PollerParts;
  readonly #ref: StreamRef;
  readonly #stream: StreamReader;
  readonly #roleArn: string;
  readonly #stopping = new AbortController();
  readonly #reading = new Map<string, Promise<void>>();
  /** Shards that were read for the first time in this life of the poller, with their starts. */
  readonly #first = new Map<string, ShardStart>();
  #onShardEnd: () => void = () => undefined;
  #failures = 0;

  constructor(parts: PollerParts, ref: StreamRef, stream: StreamReader, roleArn: string) {
    this.#parts = parts;
    this.#ref = ref;
    this.#stream = stream;
    this.#roleArn = roleArn;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const { services } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#look();
        if (this.#failures > 0) this.#parts.onResult(RESULT_OK);
        this.#failures = 0;
        await this.#untilNextLook();
      } catch (error) {
        if (signal.aborted) break;
        this.#failed(error);
        await pauseUntil(services.clock, backoffMs(this.#failures, services.random.fraction()), signal);
      }
    }
    await Promise.all(this.#reading.values());
  }

  #failed(error: unknown): void {
    const { services, mapping, onResult } = this.#parts;
    this.#failures++;
    services.onEventSource({ kind: "poll-failed", functionName: mapping.functionName, service: this.#ref.service });
    onResult(`PROBLEM: ${error instanceof Error ? error.message : String(error)}`);
    if (this.#failures === 1) services.onProblem(`event source ${this.#ref.arn} of ${mapping.functionName}`, error);
  }

  async #untilNextLook(): Promise<void> {
    const next = new AbortController();
    this.#onShardEnd = () => next.abort();
    const either = AbortSignal.any([this.#stopping.signal, next.signal]);
    await pauseUntil(this.#parts.services.clock, SHARDS_LOOK_MS, either);
  }

  async #look(): Promise<void> {
    const shards = await this.#stream.shards(this.#stopping.signal);
    const known = await this.#knownShards();
    const isFirst = known.size === 0;
    await this.#note(
      shards.filter(({ id }) => !known.has(id)),
      isFirst,
    );
    const records = isFirst || shards.some(({ id }) => !known.has(id)) ? await this.#knownShards() : known;
    const ids = new Set(shards.map(({ id }) => id));
    for (const shard of shards) {
      const record = records.get(shard.id);
      const isReady = shard.parentIds.every((id) => !ids.has(id) || records.get(id)?.isEnded === true);
      if (record !== undefined && !record.isEnded && isReady && !this.#reading.has(shard.id)) this.#read(shard, record);
    }
    await this.#forget([...records.values()].filter((record) => record.isEnded && !ids.has(idOf(record))));
  }

  async #knownShards(): Promise<ReadonlyMap<string, Stored<EventSourceShardRecord>>> {
    const prefix = shardKey(this.#parts.mapping.id, "");
    const all = await this.#parts.services.store.listAccountEntries("eventSourceShard");
    return new Map(all.filter(({ id }) => id.startsWith(prefix)).map((record) => [idOf(record), record]));
  }

  /** Writes down where the reading of new shards begins, before it begins. */
  async #note(shards: readonly Shard[], isFirst: boolean): Promise<void> {
    const { services, mapping } = this.#parts;
    const start = isFirst ? this.#start() : { kind: "TRIM_HORIZON" as const };
    const fromMs = start.kind === "LATEST" ? services.clock.nowMs() : start.kind === "AT_TIMESTAMP" ? start.atMs : null;
    for (const { id } of shards) this.#first.set(id, start);
    if (shards.length === 0) return;
    await services.changes.commit(
      shards.map(({ id }) => ({
        op: "put",
        kind: "eventSourceShard",
        record: { id: shardKey(mapping.id, id), position: null, fromMs, isEnded: false, window: null },
        over: null,
      })),
    );
  }

  #start(): Exclude<ShardStart, { readonly kind: "AFTER_SEQUENCE_NUMBER" }> {
    const { config, startingPositionMs } = this.#parts.mapping;
    if (config.StartingPosition === "AT_TIMESTAMP") return { kind: "AT_TIMESTAMP", atMs: startingPositionMs ?? 0 };
    return { kind: config.StartingPosition === "LATEST" ? "LATEST" : "TRIM_HORIZON" };
  }

  #read({ id }: Shard, record: Stored<EventSourceShardRecord>): void {
    const { mapping } = this.#parts;
    const { signal } = this.#stopping;
    const facts: StreamFacts = { ...this.#ref, shardId: id, roleArn: this.#roleArn };
    const reader = new ShardReader({
      host: new ShardHost(this.#parts, facts, record, signal),
      stream: this.#stream,
      facts,
      config: mapping.config,
      filter: filterOf(mapping.config.FilterCriteria, this.#ref.service === "kinesis" ? "data" : null),
      first: this.#first.get(id) ?? null,
      signal,
    });
    this.#first.delete(id);
    const done = reader.run().then(() => {
      this.#reading.delete(id);
      this.#onShardEnd();
    });
    this.#reading.set(id, done);
  }

  /** Shards that are done with, and that the stream no longer lists. */
  async #forget(records: ReadonlyArray<Stored<EventSourceShardRecord>>): Promise<void> {
    if (records.length === 0) return;
    await this.#parts.services.changes.commit(
      records.map((record) => ({ op: "remove", kind: "eventSourceShard", record })),
    );
  }
}

function idOf({ id }: EventSourceShardRecord): string {
  return id.slice(id.indexOf("/") + 1);
}

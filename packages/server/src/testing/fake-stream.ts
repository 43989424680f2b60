/** A stream in memory. */
import type { Clock } from "../base/clock.ts";
import { EventSourceError, type ShardStart, type StreamReader, type StreamRecord } from "../ports/event-sources.ts";

interface KeptShard {
  readonly parentIds: readonly string[];
  readonly records: StreamRecord[];
  isClosed: boolean;
}

export class FakeStream {
  readonly #clock: Clock;
  readonly #shards = new Map<string, KeptShard>();
  #count = 0;
  /** Asked before each call; what it throws is what the reader gets. */
  beforeCall: (call: "shards" | "iterator" | "read") => void = () => undefined;
  readCount = 0;

  constructor(clock: Clock, shards: readonly string[]) {
    this.#clock = clock;
    for (const id of shards) this.addShard(id);
  }

  addShard(id: string, parentIds: readonly string[] = []): void {
    this.#shards.set(id, { parentIds, records: [], isClosed: false });
  }

  closeShard(id: string): void {
    this.#shardOf(id).isClosed = true;
  }

  /** Returns the record's sequence number. */
  put(shardId: string, key: string, text: string): string {
    const sequenceNumber = String(++this.#count).padStart(12, "0");
    const arrivedAtMs = this.#clock.nowMs();
    const data = {
      kinesisSchemaVersion: "1.0",
      partitionKey: key,
      sequenceNumber,
      data: Buffer.from(text).toString("base64"),
      approximateArrivalTimestamp: arrivedAtMs / 1000,
    };
    this.#shardOf(shardId).records.push({ sequenceNumber, key, arrivedAtMs, data });
    return sequenceNumber;
  }

  reader(isOver: () => boolean): StreamReader {
    const call = async (name: Parameters<FakeStream["beforeCall"]>[0], signal: AbortSignal): Promise<void> => {
      await Promise.resolve();
      if (isOver()) return new Promise(() => undefined);
      if (signal.aborted) throw new EventSourceError("away", "AbortError: aborted");
      this.beforeCall(name);
    };
    return {
      shards: async (signal) => {
        await call("shards", signal);
        return [...this.#shards].map(([id, { parentIds }]) => ({ id, parentIds }));
      },
      iterator: async (shardId, start, signal) => {
        await call("iterator", signal);
        return `${shardId}:${indexOf(this.#shardOf(shardId).records, start)}`;
      },
      read: async (iterator, countMax, signal) => {
        await call("read", signal);
        this.readCount++;
        const [shardId = "", at = "0"] = iterator.split(":");
        const { records, isClosed } = this.#shardOf(shardId);
        const part = records.slice(Number(at), Number(at) + countMax);
        const next = Number(at) + part.length;
        return { records: part, nextIterator: isClosed && next >= records.length ? null : `${shardId}:${next}` };
      },
    };
  }

  #shardOf(id: string): KeptShard {
    const shard = this.#shards.get(id);
    if (shard === undefined) throw new EventSourceError("missing", `ResourceNotFoundException: no shard ${id}`);
    return shard;
  }
}

function indexOf(records: readonly StreamRecord[], start: ShardStart): number {
  if (start.kind === "LATEST") return records.length;
  const isAfter = ({ sequenceNumber, arrivedAtMs }: StreamRecord): boolean => {
    if (start.kind === "AFTER_SEQUENCE_NUMBER") return sequenceNumber > start.sequenceNumber;
    return start.kind === "AT_TIMESTAMP" ? arrivedAtMs >= start.atMs : true;
  };
  const at = records.findIndex(isAfter);
  return at === -1 ? records.length : at;
}

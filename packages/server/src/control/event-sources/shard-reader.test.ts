import { slowClock, turnsDuring } from "../../base/testing/slow-clock.ts";
import { expect, it } from "vitest";
import { ShardReader, type ShardParts } from "./shard-reader.ts";

const RECORDS = 50;

it("others have their turn between the records of a read that a filter looks into", async () => {
  const record = { sequenceNumber: "1", key: "k", arrivedAtMs: 0, data: { data: "" } };
  const records = Array.from({ length: RECORDS }, () => record);
  let looked = 0;
  const parts = {
    host: {
      clock: slowClock(15),
      shard: { position: null, fromMs: null },
      monotonicMs: () => 0,
      polled: () => undefined,
      filtered: () => undefined,
      passed: async () => undefined,
      closeWindow: async () => undefined,
      ended: async () => undefined,
      onResult: () => undefined,
    },
    stream: { iterator: async () => "i", read: async () => ({ records, nextIterator: null }) },
    facts: { service: "kinesis", shardId: "s", region: "us-east-1", arn: "a", roleArn: "r" },
    config: {},
    filter: () => {
      looked++;
      return false;
    },
    first: null,
    signal: new AbortController().signal,
  } as unknown as ShardParts;
  const turns = await turnsDuring(() => new ShardReader(parts).run());
  expect(looked).toBe(RECORDS);
  expect(turns).toBeGreaterThan(10);
});

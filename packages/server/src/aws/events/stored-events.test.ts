import { expect, test } from "vitest";
import type { EventRuleRecord } from "../../model/event-bus/record.ts";
import { type EventsParts, StoredEvents } from "./stored-events.ts";

const MIB = 1024 * 1024;

/** Events of an account whose rules have so many bytes already. */
function events(sizeBytes: number, over: object | null) {
  const committed: unknown[] = [];
  const parts = {
    store: {
      getAccountEntry: async () => over,
      measureAccountEntries: async () => ({ count: 1, sizeBytes }),
      commit: async (writes: readonly unknown[]) => {
        committed.push(...writes);
        return "done";
      },
    },
    buses: { rulesChanged: () => undefined },
  } as unknown as EventsParts;
  return { stored: new StoredEvents(parts), committed };
}

const rule = (length: number): EventRuleRecord => ({ description: "x".repeat(length) }) as EventRuleRecord;

test("all rules together have a limit of bytes, which one that becomes no longer does not meet", async () => {
  const { stored, committed } = events(32 * MIB, { ...rule(1000), revision: 1 });
  await expect(stored.putRule("default", "r", () => rule(1001))).rejects.toMatchObject({
    code: "LimitExceededException",
    message: expect.stringContaining("33554432 bytes"),
  });
  expect(committed).toEqual([]);
  await stored.putRule("default", "r", () => rule(1000));
  expect(committed).toHaveLength(1);
});

test("a new rule counts with all of its bytes", async () => {
  const full = events(32 * MIB - 100, null);
  await expect(full.stored.putRule("default", "r", () => rule(100))).rejects.toThrow("All rules of an account");
  const roomy = events(32 * MIB - 200, null);
  await roomy.stored.putRule("default", "r", () => rule(100));
  expect(roomy.committed).toHaveLength(1);
});

import { expect, test } from "vitest";
import { TestEvents } from "./test-events.ts";

const MIB = 1024 * 1024;
const KEPT = `"${"x".repeat(100)}"`;

/** A function `f` with one test event, `kept`, in an account whose events have so many bytes. */
function account(sizeBytes: number) {
  const event = { id: "f/kept", event: KEPT, revision: 1 };
  const index = { id: "f", events: [{ name: "kept", sizeBytes: KEPT.length }], updatedAtMs: 0, revision: 1 };
  let commits = 0;
  const store = {
    getFunction: async () => ({ name: "f", revision: 1 }),
    getAccountEntry: async (kind: string, id: string) =>
      kind === "testEventIndex" ? index : id === event.id ? event : null,
    measureAccountEntries: async () => ({ count: 1, sizeBytes }),
    commit: async () => {
      commits++;
      return "done";
    },
  };
  const services = { store, scope: { accountId: "000000000000", region: "us-east-1" }, clock: { nowMs: () => 0 } };
  return { events: new TestEvents(services as never), commits: () => commits };
}

const refused = "268435456 bytes together";

test("test events of all functions have a limit of bytes together", async () => {
  const { events, commits } = account(256 * MIB);
  await expect(events.put("f", "added", "1")).rejects.toThrow(refused);
  await expect(events.put("f", "kept", `${KEPT} `)).rejects.toThrow(refused);
  await expect(
    events.replaceAll(
      "f",
      new Map([
        ["kept", KEPT],
        ["added", "1"],
      ]),
    ),
  ).rejects.toThrow(refused);
  expect(commits()).toBe(0);
});

test("what becomes no longer, or goes, has room", async () => {
  const { events, commits } = account(256 * MIB);
  await events.put("f", "kept", "1");
  await events.replaceAll("f", new Map([["other", "1"]]));
  await events.remove("f", "kept");
  expect(commits()).toBe(3);
});

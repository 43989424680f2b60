import { expect, it } from "vitest";
import { type SentEvent, withSent } from "./sent-events.ts";

const sent = (requestId: string, length = 2): SentEvent => ({
  requestId,
  functionName: "f",
  qualifier: "live",
  type: "RequestResponse",
  event: "x".repeat(length),
});
const idsOf = (all: readonly SentEvent[]): readonly string[] => all.map(({ requestId }) => requestId);

it("keeps the newest twenty", () => {
  let all: readonly SentEvent[] = [];
  for (let at = 0; at < 30; at++) all = withSent(all, sent(String(at)));
  expect(idsOf(all)).toEqual(Array.from({ length: 20 }, (_, at) => String(29 - at)));
});

it("drops old ones for the room of a new one, and keeps none that is too large", () => {
  const before = [sent("b", 200 * 1024), sent("a", 200 * 1024)];
  expect(idsOf(withSent(before, sent("c", 200 * 1024)))).toEqual(["c", "b"]);
  expect(idsOf(withSent(before, sent("c", 600 * 1024)))).toEqual([]);
});

import type { InvocationSummary } from "@thaw/thaw-api/invocations";
import { expect, it } from "vitest";
import { groupStarts } from "./starts.ts";

let count = 0;
function invocation(version: string, start: InvocationSummary["start"], totalMs: number, more = {}): InvocationSummary {
  const requestId = `r${++count}`;
  return { version, start, totalMs, requestId, outcome: "success", ...more } as InvocationSummary;
}

it("groups by version and kind what was cold and answered, with the quantiles of thaw compare", () => {
  const groups = groupStarts([
    invocation("9", "restored", 40),
    invocation("10", "initialised", 900),
    invocation("10", "restored", 10),
    invocation("10", "restored", 20),
    invocation("10", "warm", 1),
    invocation("10", "restored", 5, { outcome: "error" }),
    invocation("$LATEST", "initialised", 700),
    invocation("10", null, 3),
  ]);
  expect(groups.map(({ version, start, totalMs }) => [version, start, totalMs.p50, totalMs.p90])).toEqual([
    ["$LATEST", "initialised", 700, 700],
    ["10", "restored", 15, 19],
    ["10", "initialised", 900, 900],
    ["9", "restored", 40, 40],
  ]);
  expect(groups[1]?.starts.map(({ totalMs }) => totalMs)).toEqual([10, 20]);
  expect(groupStarts([])).toEqual([]);
});

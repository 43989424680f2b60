import { expect, it } from "vitest";
import { readReport } from "./report-line.ts";

it("reads the line of a restored invoke", () => {
  const text =
    "REPORT RequestId: r1\tDuration: 149.53 ms\tBilled Duration: 313 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tRestore Duration: 789.20 ms\tBilled Restore Duration: 163 ms\t";
  expect(readReport(text)).toEqual({
    requestId: "r1",
    facts: [
      ["duration", "149.53 ms"],
      ["memory", "43 MB of 128 MB"],
      ["restore", "789.20 ms"],
    ],
  });
});

it("says first what went wrong", () => {
  const text =
    "REPORT RequestId: r1\tDuration: 3000.00 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tStatus: timeout\t";
  expect(readReport(text)?.facts[0]).toEqual(["status", "timeout"]);
});

it("reads the same of a line in JSON", () => {
  const metrics = { durationMs: 3.5, maxMemoryUsedMB: 43, memorySizeMB: 128, initDurationMs: 90.25 };
  const text = JSON.stringify({ type: "platform.report", record: { requestId: "r2", status: "success", metrics } });
  expect(readReport(text)).toEqual({
    requestId: "r2",
    facts: [
      ["duration", "3.5 ms"],
      ["memory", "43 MB of 128 MB"],
      ["init", "90 ms"],
    ],
  });
});

it("takes no other line for one", () => {
  for (const text of [
    "START RequestId: r1 Version: 1",
    '{"type":"platform.start","say":"\\"platform.report\\""}',
    '{"type":"platform.report"}',
    '{"type":"platform.report","record":null}',
    '"platform.report"',
    `REPORT RequestId: ${"x".repeat(5000)}`,
  ])
    expect(readReport(text), text.slice(0, 80)).toBeNull();
});

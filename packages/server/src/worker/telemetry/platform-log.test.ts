import { describe, it } from "vitest";
import {
  billedDurationMs,
  formatPlatformEvent,
  type InvokeReport,
  isWanted,
  type PlatformEvent,
} from "./platform-log.ts";

const RUNTIME = { runtimeVersion: "python:3.13.thaw", runtimeVersionArn: "arn:aws:lambda:us-east-1::runtime:a" };
const REPORT: InvokeReport = {
  requestId: "r1",
  durationMs: 149.534,
  memorySizeMib: 128,
  memoryMaxMib: 43,
  initDurationMs: null,
  restoreDurationMs: null,
  billedRestoreDurationMs: null,
  status: { kind: "success" },
  trace: null,
};
const TRACE = {
  value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
  root: "1-5759e988-bd862e3fe1be46a994272793",
  segmentId: "53995c3f42cd8ad8",
  isSampled: true,
};
const RESTORED: InvokeReport = { ...REPORT, restoreDurationMs: 789.2, billedRestoreDurationMs: 163 };
const TIMED_OUT: InvokeReport = { ...REPORT, durationMs: 3000, status: { kind: "timeout" } };

describe("text", () => {
  it.for<[PlatformEvent, string]>([
    [
      {
        kind: "init-start",
        functionName: "f",
        version: "1",
        phase: "init",
        initializationType: "on-demand",
        ...RUNTIME,
      },
      "INIT_START Runtime Version: python:3.13.thaw\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:a",
    ],
    [
      {
        kind: "init-report",
        report: { durationMs: 12.345, phase: "init", initializationType: "snap-start", status: { kind: "success" } },
      },
      "INIT_REPORT Init Duration: 12.35 ms",
    ],
    [
      {
        kind: "init-report",
        report: {
          durationMs: 1,
          phase: "invoke",
          initializationType: "on-demand",
          status: { kind: "error", errorType: "Runtime.ExitError" },
        },
      },
      "INIT_REPORT Init Duration: 1.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError",
    ],
    [
      { kind: "restore-report", durationMs: 10_000, status: { kind: "timeout" } },
      "RESTORE_REPORT Restore Duration: 10000.00 ms\tStatus: timeout",
    ],
    [{ kind: "start", requestId: "r1", version: "$LATEST", trace: TRACE }, "START RequestId: r1 Version: $LATEST"],
    [{ kind: "end", requestId: "r1" }, "END RequestId: r1"],
    [
      { kind: "report", report: RESTORED },
      "REPORT RequestId: r1\tDuration: 149.53 ms\tBilled Duration: 313 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tRestore Duration: 789.20 ms\tBilled Restore Duration: 163 ms\t",
    ],
    [
      { kind: "report", report: TIMED_OUT },
      "REPORT RequestId: r1\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tStatus: timeout\t",
    ],
    [
      { kind: "report", report: { ...TIMED_OUT, trace: TRACE } },
      "REPORT RequestId: r1\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tStatus: timeout\t\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 53995c3f42cd8ad8\tSampled: true\t",
    ],
    [
      { kind: "report", report: { ...REPORT, trace: { ...TRACE, isSampled: false } } },
      "REPORT RequestId: r1\tDuration: 149.53 ms\tBilled Duration: 150 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\t",
    ],
  ])("%o", ([event, line], { expect }) => {
    expect(formatPlatformEvent(event, "Text", 0)).toBe(line);
  });
});

it("writes JSON by the Telemetry schema, with microseconds at most, and no line for END", ({ expect }) => {
  const line = formatPlatformEvent({ kind: "report", report: { ...TIMED_OUT, durationMs: 1.234567 } }, "JSON", 0);
  expect(JSON.parse(line ?? "")).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    type: "platform.report",
    record: {
      requestId: "r1",
      status: "timeout",
      metrics: { durationMs: 1.235, billedDurationMs: 2, memorySizeMB: 128, maxMemoryUsedMB: 43 },
    },
  });
  expect(formatPlatformEvent({ kind: "end", requestId: "r1" }, "JSON", 0)).toBeNull();
});

it.for<[PlatformEvent]>([
  [{ kind: "start", requestId: "r1", version: "1", trace: TRACE }],
  [{ kind: "report", report: { ...REPORT, trace: TRACE } }],
])("names a sampled trace in JSON: %o", ([event], { expect }) => {
  const tracing = { spanId: TRACE.segmentId, type: "X-Amzn-Trace-Id", value: TRACE.value };
  expect(JSON.parse(formatPlatformEvent(event, "JSON", 0) ?? "").record.tracing).toEqual(tracing);
});

it("bills an Init on demand and the billed part of a restore", ({ expect }) => {
  expect(billedDurationMs(REPORT)).toBe(150);
  expect(billedDurationMs({ ...REPORT, initDurationMs: 100.6 })).toBe(251);
  expect(billedDurationMs(RESTORED)).toBe(313);
});

const OK = { kind: "success" } as const;
const LATE = { kind: "timeout" } as const;
const INIT = { phase: "init", initializationType: "on-demand" } as const;
const INIT_REPORT = { durationMs: 1, ...INIT, status: OK } as const;
const EXTENSION = { kind: "extension", name: "e", state: "Ready", events: [] } as const;
const DONE = { kind: "runtime-done", requestId: "r1", durationMs: 1, producedBytes: 0, spans: [] } as const;

it.for<[PlatformEvent, string]>([
  [{ kind: "init-start", functionName: "f", version: "1", ...INIT, ...RUNTIME }, "INFO"],
  [{ kind: "restore-start", functionName: "f", version: "1", ...RUNTIME }, "INFO"],
  [{ kind: "init-runtime-done", ...INIT, status: OK }, "DEBUG"],
  [{ kind: "init-runtime-done", ...INIT, status: LATE }, "WARN"],
  [{ kind: "restore-runtime-done", status: OK }, "DEBUG"],
  [{ kind: "restore-runtime-done", status: LATE }, "WARN"],
  [{ kind: "init-report", report: INIT_REPORT }, "DEBUG"],
  [{ kind: "init-report", report: { ...INIT_REPORT, initializationType: "snap-start" } }, "INFO"],
  [{ kind: "init-report", report: { ...INIT_REPORT, status: LATE } }, "WARN"],
  [{ kind: "restore-report", durationMs: 1, status: OK }, "INFO"],
  [{ kind: "restore-report", durationMs: 1, status: LATE }, "WARN"],
  [{ kind: "start", requestId: "r1", version: "1", trace: null }, "INFO"],
  [{ ...DONE, trace: null, status: OK }, "DEBUG"],
  [{ ...DONE, trace: null, status: LATE }, "WARN"],
  [{ kind: "report", report: REPORT }, "INFO"],
  [{ kind: "report", report: TIMED_OUT }, "WARN"],
  [{ ...EXTENSION, errorType: null }, "INFO"],
  [{ ...EXTENSION, errorType: "Extension.Crash" }, "WARN"],
  [{ kind: "subscription", api: "telemetry", name: "e", types: [] }, "INFO"],
  [{ kind: "logs-dropped", reason: "", droppedRecords: 1, droppedBytes: 1 }, "WARN"],
])("has its level: %o is %s", ([event, level], { expect }) => {
  const passing = ["DEBUG", "INFO", "WARN"].filter((wanted) => isWanted(event, wanted));
  expect(passing.at(-1)).toBe(level);
  expect(isWanted(event, null)).toBe(true);
});

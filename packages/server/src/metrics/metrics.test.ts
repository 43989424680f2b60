/** The figures' text, the traces' form, and an exporter whose collector is slow, gone, or there. */
import { createServer } from "node:http";
import { once } from "node:events";
import { it } from "vitest";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import { systemClock } from "../base/clock.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { METRICS } from "./declarations.ts";
import { countAsync, countInvocation, countRestore, measureWorker } from "./measure.ts";
import { OtlpExporter } from "./otlp-exporter.ts";
import { Metrics } from "./registry.ts";
import { traceRestore, type TracedRestore } from "./restore-trace.ts";

const RESTORE: TracedRestore = {
  functionName: "orders",
  accountId: "000000000000",
  region: "us-east-1",
  version: "3",
  environmentId: "env-1" as EnvironmentId,
  snapshotId: "snap-1" as SnapshotId,
  requestId: "6f1ed002-ab59-4b5c-8ef4-0123456789ab",
  outcome: "success",
  startedAtMs: 1_700_000_000_000.25,
  restoreDurationMs: 50,
  phases: {
    sandbox: 1,
    mount: 2,
    criu: 30,
    connect: 2,
    engine: 36,
    parked: 4,
    hooks: 10,
    restore: 50,
    firstResponse: 7,
    prefetch: 20,
  },
  phaseStarts: {
    sandbox: 0,
    mount: 1,
    criu: 3,
    connect: 34,
    engine: 0,
    parked: 36,
    hooks: 40,
    restore: 0,
    firstResponse: 50.5,
    prefetch: 5,
  },
};

it("shows each declared figure, and none else", async ({ expect }) => {
  const metrics = new Metrics();
  countRestore(metrics, RESTORE);
  countInvocation(metrics, { functionName: 'a"b\\c\nd', durationMs: 12, initDurationMs: 500 });
  const text = await metrics.text();
  const shown = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
  expect(new Set(shown)).toEqual(new Set(Object.keys(METRICS)));
  expect(text).toContain('thaw_restore_phase_duration_seconds_sum{phase="criu"} 0.03');
  expect(text).toContain('thaw_duration_seconds_count{function_name="a\\"b\\\\c\\nd"} 1');
});

it.each([
  [
    { kind: "response", payload: Buffer.alloc(0), functionError: null, logTail: null, environmentId: "e" },
    { thaw_invocations_total: 1 },
  ],
  [
    { kind: "response", payload: Buffer.alloc(0), functionError: "Unhandled", logTail: null, environmentId: "e" },
    { thaw_invocations_total: 1, thaw_errors_total: 1 },
  ],
  [
    { kind: "restore-timeout", message: "", hasRun: true },
    { thaw_invocations_total: 1, thaw_errors_total: 1 },
  ],
  [{ kind: "throttled", reason: "ConcurrentInvocationLimitExceeded" }, { thaw_throttles_total: 1 }],
  [{ kind: "platform-error", code: "SANDBOX_FAILED", message: "" }, { thaw_platform_errors_total: 1 }],
] as const)("counts %o", async (outcome, expected) => {
  const metrics = new Metrics();
  const recent = { begin: () => undefined, answered: () => undefined, abandoned: () => undefined };
  const worker = measureWorker({ invoke: async () => outcome } as never, metrics, recent as never);
  await worker.invoke({ functionName: "f" } as never, {} as never);
  const text = await metrics.text();
  const counted = Object.fromEntries(
    [...text.matchAll(/^(thaw_\w+_total)\{[^}]*\} (\d+)/gm)].map((match) => [match[1], Number(match[2])]),
  );
  if (JSON.stringify(counted) !== JSON.stringify(expected)) throw new Error(JSON.stringify(counted));
  if (!text.includes("\nthaw_concurrent_executions 0\n")) throw new Error("still running");
});

it.for([
  ["received", "thaw_async_events_received_total"],
  ["started", "thaw_async_event_age_seconds_sum"],
  ["dropped", "thaw_async_events_dropped_total"],
  ["recursion-dropped", "thaw_recursive_invocations_dropped_total"],
  ["delivery-failed", "thaw_destination_delivery_failures_total"],
  ["dead-letter-failed", "thaw_dead_letter_errors_total"],
] as const)("counts asynchronous invokes: %s", async ([kind, name], { expect }) => {
  const metrics = new Metrics();
  countAsync(metrics, { kind, functionName: "f", ageMs: 1000 });
  const counted = [...(await metrics.text()).matchAll(/^(thaw_\w+_(?:total|sum))\{function_name="f"\} (\d+)/gm)];
  expect(counted.map((match) => [match[1], match[2]])).toEqual([[name, "1"]]);
});

it("makes one trace of a restore: each step where it began, all inside their parents", ({ expect }) => {
  let count = 0;
  const spans = traceRestore(RESTORE, () => `${++count}`.padStart(16, "0"));
  expect(spans.map(({ name }) => name)).toEqual([
    "restore",
    "engine",
    "sandbox",
    "mount",
    "criu",
    "prefetch",
    "connect",
    "parked",
    "hooks",
    "firstResponse",
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(["6f1ed002ab594b5c8ef40123456789ab"]));
  expect(spans[0]?.startTimeUnixNano).toBe("1700000000000250000");
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  for (const span of spans.slice(1)) {
    const parent = byId.get(span.parentSpanId ?? "");
    expect(parent, span.name).toBeDefined();
    if (parent === undefined || span.name === "firstResponse") continue;
    expect(BigInt(span.startTimeUnixNano) >= BigInt(parent.startTimeUnixNano), span.name).toBe(true);
    expect(BigInt(span.endTimeUnixNano) <= BigInt(parent.endTimeUnixNano), span.name).toBe(true);
  }
  const startOf = (name: string): number =>
    Number(BigInt(spans.find((span) => span.name === name)?.startTimeUnixNano ?? 0) - 1_700_000_000_000_250_000n) / 1e6;
  expect(startOf("prefetch")).toBe(5);
  expect(startOf("firstResponse")).toBe(50.5);
});

it("leaves out of the trace what was done ahead, in a parked clone", ({ expect }) => {
  const parked = { ...RESTORE, phaseStarts: { ...RESTORE.phaseStarts, engine: -900, criu: -897, parked: -860 } };
  const names = traceRestore(parked, () => "1").map(({ name }) => name);
  expect(names).not.toContain("engine");
  expect(names).not.toContain("parked");
  expect(names.slice(-2)).toEqual(["hooks", "firstResponse"]);
});

it("sends spans to a collector, and counts what is lost without one", async ({ expect }) => {
  const bodies: unknown[] = [];
  const collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      bodies.push([request.url, request.headers["x-key"], JSON.parse(Buffer.concat(parts).toString())]);
      response.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as { port: number };
  let dropped = 0;
  const options = {
    headers: { "x-key": "v" },
    serviceName: "thaw",
    clock: systemClock,
    onDropped: (count: number) => void (dropped += count),
  };
  const spans = traceRestore(RESTORE, () => "0000000000000001");
  const exporter = new OtlpExporter({ ...options, url: `http://127.0.0.1:${port}/v1/traces` });
  exporter.add(spans);
  await exporter.flush();
  expect(bodies).toEqual([
    [
      "/v1/traces",
      "v",
      { resourceSpans: [{ resource: expect.anything(), scopeSpans: [{ scope: { name: "thaw" }, spans }] }] },
    ],
  ]);
  expect(dropped).toBe(0);
  collector.close();
  collector.closeAllConnections();
  await once(collector, "close");
  exporter.add(spans);
  await exporter.flush();
  expect(dropped).toBe(spans.length);
});

it("keeps a bounded queue while nobody takes it", ({ expect }) => {
  let dropped = 0;
  const exporter = new OtlpExporter({
    url: "http://127.0.0.1:1/",
    headers: {},
    serviceName: "t",
    clock: new FakeClock(),
    onDropped: (count) => void (dropped += count),
  });
  const spans = traceRestore(RESTORE, () => "0000000000000001");
  for (let n = 0; n < 1000; n++) exporter.add(spans);
  expect(dropped).toBe((1000 - Math.floor(2048 / spans.length)) * spans.length);
});

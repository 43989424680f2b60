/**
 * One restore as one trace, in the form of OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). The trace's id is the
 * request's id without dashes, so that a log line leads to its trace.
 *
 *   restore ─┬─ engine ─┬─ one span for each step of the host, in order
 *            ├─ connect └─
 *            ├─ hooks
 *            └─ firstResponse (after the restore's end)
 */
import type { RestoreReport } from "../ports/reports.ts";

export type TracedRestore = Omit<RestoreReport, "memory">;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Readonly<Record<string, unknown>> }>;
  readonly status: { readonly code: number };
}

const KIND_INTERNAL = 1;
const STATUS_OK = 1;
const STATUS_ERROR = 2;
const NS_PER_MS = 1_000_000;
/** Sums of others, or steps outside of the engine. */
const NOT_OF_THE_ENGINE = new Set(["engine", "connect", "hooks", "restore", "firstResponse", "prefetch"]);

export function traceRestore(report: TracedRestore, newSpanId: () => string): readonly Span[] {
  const traceId = report.requestId.replaceAll("-", "").padEnd(32, "0").slice(0, 32).toLowerCase();
  const spans: Span[] = [];
  const status = { code: report.outcome === "success" ? STATUS_OK : STATUS_ERROR };
  const add = (
    name: string,
    parentSpanId: string | null,
    startMs: number,
    durationMs: number,
    attributes: Span["attributes"] = [],
  ): string => {
    const spanId = newSpanId();
    const times = { startTimeUnixNano: toNano(startMs), endTimeUnixNano: toNano(startMs + durationMs) };
    spans.push({
      traceId,
      spanId,
      ...(parentSpanId === null ? {} : { parentSpanId }),
      name,
      kind: KIND_INTERNAL,
      ...times,
      attributes,
      status,
    });
    return spanId;
  };
  const { phases, startedAtMs } = report;
  const root = add("restore", null, startedAtMs, report.restoreDurationMs, attributesOf(report));
  const engine = add("engine", root, startedAtMs, phases["engine"] ?? 0);
  let at = startedAtMs;
  for (const [name, durationMs] of Object.entries(phases)) {
    if (NOT_OF_THE_ENGINE.has(name)) continue;
    add(name, engine, at, durationMs);
    at += durationMs;
  }
  at = startedAtMs + (phases["engine"] ?? 0);
  for (const name of ["connect", "hooks"]) {
    const durationMs = phases[name];
    if (durationMs === undefined) continue;
    add(name, root, at, durationMs);
    at += durationMs;
  }
  const firstResponse = phases["firstResponse"];
  if (firstResponse !== undefined) add("firstResponse", root, startedAtMs + report.restoreDurationMs, firstResponse);
  return spans;
}

function attributesOf(report: TracedRestore): Span["attributes"] {
  const text = (key: string, value: string): Span["attributes"][number] => ({ key, value: { stringValue: value } });
  return [
    text("faas.name", report.functionName),
    text("faas.version", report.version),
    text("faas.instance", report.environmentId),
    text("faas.invocation_id", report.requestId),
    { key: "faas.coldstart", value: { boolValue: true } },
    text("thaw.snapshot_id", report.snapshotId),
    text("thaw.outcome", report.outcome),
  ];
}

/** More digits than a double holds. */
function toNano(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * BigInt(NS_PER_MS) + BigInt(Math.round((ms - whole) * NS_PER_MS)));
}

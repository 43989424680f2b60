/**
 * A restore as a trace, in the form of OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). The trace's
 * id is the request's id without dashes, so that a log line leads to its trace.
 *
 *   restore ─┬─ engine ─┬─ one span for each step of the host
 *            │          └─ connect
 *            ├─ parked
 *            ├─ hooks
 *            ├─ firstResponse (after the restore's end)
 *            └─ prefetch (beside the others; it may outlast them)
 *
 * Steps that were done ahead, in a parked clone, are no part of the trace.
 */
import { ENGINE_PHASES, type PhaseName } from "../model/phases.ts";
import type { RestoreReport } from "../ports/reports.ts";

export type TracedRestore = Omit<RestoreReport, "memory" | "logStream" | "startedMonotonicMs">;

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
const OF_THE_ENGINE: ReadonlySet<string> = new Set(ENGINE_PHASES);

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
  const { phases, phaseStarts, startedAtMs } = report;
  const root = add("restore", null, startedAtMs, report.restoreDurationMs, attributesOf(report));
  const steps = Object.entries(phases)
    .map(([name, durationMs]) => ({ name, durationMs, startMs: phaseStarts[name as PhaseName] ?? 0 }))
    .filter(({ name, startMs }) => name !== "restore" && startMs >= 0)
    .toSorted((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs);
  const engine = steps.find(({ name }) => name === "engine");
  const engineSpan = engine === undefined ? root : add("engine", root, startedAtMs + engine.startMs, engine.durationMs);
  for (const { name, startMs, durationMs } of steps) {
    if (name === "engine") continue;
    add(name, OF_THE_ENGINE.has(name) ? engineSpan : root, startedAtMs + startMs, durationMs);
  }
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

/** Converts milliseconds to nanoseconds as text: they have more digits than a double holds. */
function toNano(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * BigInt(NS_PER_MS) + BigInt(Math.round((ms - whole) * NS_PER_MS)));
}

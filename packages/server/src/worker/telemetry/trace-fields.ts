/** What platform lines and records say of an invoke's trace, where it is sampled. */
import type { Trace } from "../../model/trace.ts";

/** A line of its own below REPORT, in the same event. Empty where the trace is not sampled. */
export function traceText(trace: Trace | null): string {
  if (trace === null || !trace.isSampled) return "";
  const segment = trace.segmentId === null ? "" : `SegmentId: ${trace.segmentId}\t`;
  return `\nXRAY TraceId: ${trace.root}\t${segment}Sampled: true\t`;
}

/** Telemetry schema, `tracing`: the segment, and the header that it belongs to. */
export function traceFields(trace: Trace | null): Readonly<Record<string, unknown>> {
  if (trace === null || !trace.isSampled) return {};
  const spanId = trace.segmentId === null ? {} : { spanId: trace.segmentId };
  return { tracing: { ...spanId, type: "X-Amzn-Trace-Id", value: trace.value } };
}

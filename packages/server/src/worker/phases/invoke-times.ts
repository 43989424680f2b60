/** When an invocation came to its stations, for the spans that AWS tells of it. */
import type { Clock } from "../../base/clock.ts";
import { readTrace } from "../../model/trace.ts";
import type { InvokeInput } from "../../ports/worker.ts";
import type { Failure } from "../function-errors.ts";
import type { RuntimeEvent } from "../runtime-api/runtime.ts";
import type { PhaseStatus, PlatformEvent, Span } from "../telemetry/platform-log.ts";

/**
 * delivered: the runtime got its event. responded: its response began to come. sent: it is there. ready: the runtime
 * asked for the next event.
 */
type Station = "delivered" | "responded" | "sent" | "ready";

interface Moment {
  readonly monotonicMs: number;
  /** Wall clock. */
  readonly atMs: number;
}

export class InvokeTimes {
  readonly #clock: Clock;
  readonly #moments = new Map<Station, Moment>();
  #producedBytes: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.note("delivered");
  }

  note(station: Station): void {
    this.#moments.set(station, this.#now());
  }

  /** Notes an answer that has come whole. */
  noteAnswer(event: Extract<RuntimeEvent, { kind: "response" | "response-too-large" | "invocation-error" }>): void {
    this.note("sent");
    this.#producedBytes = event.kind === "response-too-large" ? event.sizeBytes : event.payload.length;
  }

  runtimeDone({ requestId, traceId }: Pick<InvokeInput, "requestId" | "traceId">, status: PhaseStatus): PlatformEvent {
    const spans = [
      this.#span("responseLatency", "delivered", "responded"),
      this.#span("responseDuration", "responded", "sent"),
      this.#span("runtimeOverhead", "sent", "ready"),
    ].filter((span) => span !== null);
    const [delivered, ready] = [this.#moments.get("delivered"), this.#moments.get("ready")];
    const durationMs = (ready?.monotonicMs ?? 0) - (delivered?.monotonicMs ?? 0);
    const trace = readTrace(traceId);
    return { kind: "runtime-done", requestId, status, durationMs, producedBytes: this.#producedBytes, spans, trace };
  }

  /** Returns the time since the runtime was ready; null where the extensions never were. */
  extensionOverhead(failure: Failure | null): Span | null {
    const ready = this.#moments.get("ready");
    if (ready === undefined || failure !== null) return null;
    const durationMs = this.#now().monotonicMs - ready.monotonicMs;
    return { name: "extensionOverhead", startAtMs: ready.atMs, durationMs };
  }

  #span(name: Span["name"], from: Station, to: Station): Span | null {
    const [start, end] = [this.#moments.get(from), this.#moments.get(to)];
    if (start === undefined || end === undefined) return null;
    return { name, startAtMs: start.atMs, durationMs: end.monotonicMs - start.monotonicMs };
  }

  #now(): Moment {
    return { monotonicMs: this.#clock.monotonicMs(), atMs: this.#clock.nowMs() };
  }
}

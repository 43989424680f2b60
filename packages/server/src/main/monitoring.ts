/** The parts that watch the server: figures, traces, and the listener for both. */
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { createObservabilityServer, type Health } from "../http/observability.ts";
import type { HttpServer } from "../http/server.ts";
import { countAsync, countEventSource, countInvocation, countRestore } from "../metrics/measure.ts";
import { OtlpExporter } from "../metrics/otlp-exporter.ts";
import { RecentInvocations } from "../metrics/recent-invocations.ts";
import { Metrics } from "../metrics/registry.ts";
import { traceRestore } from "../metrics/restore-trace.ts";
import type { AsyncReport, EventSourceReport, InvocationReport, RestoreReport } from "../ports/reports.ts";
import { log } from "./log.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";

type Env = Readonly<Record<string, string | undefined>>;

export class Monitoring {
  readonly metrics = new Metrics();
  readonly recent: RecentInvocations;
  readonly #traces: OtlpExporter | null;
  readonly #random: Random;
  #server: HttpServer | null = null;

  constructor(env: Env, clock: Clock, random: Random) {
    this.#random = random;
    this.recent = new RecentInvocations(clock);
    const url = tracesUrl(env);
    const onDropped = (count: number): void => this.metrics.count("thaw_spans_dropped_total", {}, count);
    const serviceName = env["OTEL_SERVICE_NAME"] ?? "thaw";
    this.#traces =
      url === null
        ? null
        : new OtlpExporter({
            url,
            headers: parseHeaders(env["OTEL_EXPORTER_OTLP_HEADERS"] ?? ""),
            serviceName,
            clock,
            onDropped,
          });
  }

  /** `report` with the function's name in figures. */
  restored(report: RestoreReport): void {
    const { restoreDurationMs, startedAtMs: _, startedMonotonicMs: __, logStream: ___, ...rest } = report;
    log("restore", { phase: "restore", durationMs: restoreDurationMs, ...rest });
    countRestore(this.metrics, report);
    this.#traces?.add(traceRestore(report, () => this.#random.bytes(8).toString("hex")));
  }

  /** `functionName`: its name in figures. */
  invoked(functionName: string, { durationMs, initDurationMs }: InvocationReport): void {
    countInvocation(this.metrics, { functionName, durationMs, initDurationMs });
  }

  happened(report: AsyncReport): void {
    countAsync(this.metrics, report);
  }

  read(report: EventSourceReport): void {
    countEventSource(this.metrics, report);
  }

  async listen(listen: ServeOptions["metricsListen"], health: Health): Promise<void> {
    if (listen === null) return;
    this.#server = createObservabilityServer(health, this.metrics);
    const address = await this.#server.listen(listen);
    process.stdout.write(`thaw metrics on ${address}/metrics\n`);
  }

  async close(): Promise<void> {
    await this.#server?.close();
    await this.#traces?.flush();
  }
}

/**
 * Reads the collector's address as OpenTelemetry specifies it: the signal's own variable is the whole URL, the general
 * one a base.
 */
function tracesUrl(env: Env): string | null {
  const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const base = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  const text = own ?? (base === undefined ? undefined : join(base, "v1/traces").replace(/^(https?:)\/+/, "$1//"));
  if (text === undefined || text === "") return null;
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new UsageError(`OTEL_EXPORTER_OTLP_ENDPOINT ${text}: expected a URL of http or https`);
  return text;
}

function parseHeaders(text: string): Record<string, string> {
  const pairs = text
    .split(",")
    .map((pair) => pair.split("="))
    .filter(([name]) => name !== "");
  return Object.fromEntries(
    pairs.map(([name = "", ...value]) => [name.trim(), decodeURIComponent(value.join("=").trim())]),
  );
}

/**
 * AWS's platform log lines: text with tabs (docs/reference/snapstart-behaviour.md 5.1), or JSON by the Telemetry schema
 * (5.2, 5.3). Pure: values in, one message out. Durations in milliseconds.
 */
import type { Trace } from "../../model/trace.ts";
import { traceFields, traceText } from "./trace-fields.ts";

export interface RuntimeVersionInfo {
  readonly runtimeVersion: string;
  readonly runtimeVersionArn: string;
}

export type PhaseStatus =
  | { readonly kind: "success" }
  | { readonly kind: "timeout" }
  | { readonly kind: "error"; readonly errorType: string };

/** A part of a phase, of which AWS tells the time. */
export interface Span {
  readonly name: "responseLatency" | "responseDuration" | "runtimeOverhead" | "extensionOverhead";
  /** Wall clock. */
  readonly startAtMs: number;
  readonly durationMs: number;
}

export interface InitReport {
  readonly durationMs: number;
  readonly phase: "init" | "invoke";
  readonly initializationType: "on-demand" | "provisioned-concurrency" | "snap-start";
  readonly status: PhaseStatus;
}

export interface InvokeReport {
  readonly requestId: string;
  readonly durationMs: number;
  readonly memorySizeMib: number;
  readonly memoryMaxMib: number;
  readonly initDurationMs: number | null;
  readonly restoreDurationMs: number | null;
  readonly billedRestoreDurationMs: number | null;
  readonly status: PhaseStatus;
  /** Null where the invocation has no trace. */
  readonly trace: Trace | null;
  /** The time between the runtime's end and that of the extensions; absent where there are none. */
  readonly extensionOverhead?: Span;
}

export type PlatformEvent =
  | ({
      readonly kind: "init-start";
      readonly functionName: string;
      readonly version: string;
      readonly phase: "init" | "invoke";
      readonly initializationType: "on-demand" | "provisioned-concurrency" | "snap-start";
    } & RuntimeVersionInfo)
  | { readonly kind: "init-report"; readonly report: InitReport }
  | ({ readonly kind: "restore-start"; readonly functionName: string; readonly version: string } & RuntimeVersionInfo)
  | { readonly kind: "restore-report"; readonly durationMs: number; readonly status: PhaseStatus }
  | {
      readonly kind: "extension";
      readonly name: string;
      readonly state: string;
      readonly events: readonly string[];
      /** What went wrong with it; null where nothing did. */
      readonly errorType: string | null;
    }
  | {
      readonly kind: "subscription";
      readonly api: "telemetry" | "logs";
      readonly name: string;
      readonly types: readonly string[];
    }
  | {
      readonly kind: "init-runtime-done";
      readonly phase: "init" | "invoke";
      readonly initializationType: "on-demand" | "provisioned-concurrency" | "snap-start";
      readonly status: PhaseStatus;
    }
  | { readonly kind: "restore-runtime-done"; readonly status: PhaseStatus }
  | {
      readonly kind: "runtime-done";
      readonly requestId: string;
      readonly status: PhaseStatus;
      readonly durationMs: number;
      /** Null where the response was streamed, or none came. */
      readonly producedBytes: number | null;
      readonly spans: readonly Span[];
      readonly trace: Trace | null;
    }
  /** What went wrong in an invocation, in one line. Subscribers of the Logs API alone get it. */
  | { readonly kind: "fault"; readonly text: string }
  | {
      readonly kind: "logs-dropped";
      readonly reason: string;
      readonly droppedRecords: number;
      readonly droppedBytes: number;
    }
  | { readonly kind: "start"; readonly requestId: string; readonly version: string; readonly trace: Trace | null }
  | { readonly kind: "end"; readonly requestId: string }
  | { readonly kind: "report"; readonly report: InvokeReport };

/** Formats an event. Null where the format has no line for it. */
export function formatPlatformEvent(event: PlatformEvent, format: "Text" | "JSON", nowMs: number): string | null {
  return format === "Text" ? formatText(event) : formatJson(event, nowMs);
}

const SYSTEM_LEVELS = ["DEBUG", "INFO", "WARN"];

/**
 * Says whether a line passes LoggingConfig's SystemLogLevel (the levels: docs/reference/snapstart-behaviour.md 5.2).
 */
export function isWanted(event: PlatformEvent, systemLogLevel: string | null): boolean {
  return SYSTEM_LEVELS.indexOf(levelOf(event)) >= SYSTEM_LEVELS.indexOf(systemLogLevel ?? "DEBUG");
}

function levelOf(event: PlatformEvent): string {
  switch (event.kind) {
    case "init-report":
      if (event.report.status.kind !== "success") return "WARN";
      return event.report.initializationType === "on-demand" ? "DEBUG" : "INFO";
    case "restore-report":
      return event.status.kind === "success" ? "INFO" : "WARN";
    case "init-runtime-done":
    case "restore-runtime-done":
    case "runtime-done":
      return event.status.kind === "success" ? "DEBUG" : "WARN";
    case "logs-dropped":
      return "WARN";
    case "extension":
      return event.errorType === null ? "INFO" : "WARN";
    case "report":
      return event.report.status.kind === "success" ? "INFO" : "WARN";
    default:
      return "INFO";
  }
}

/** Sums up what AWS bills. Since 2025-08 the Init of an on-demand environment is billed with its first invoke. */
export function billedDurationMs(report: InvokeReport): number {
  return Math.ceil(report.durationMs + (report.initDurationMs ?? 0)) + (report.billedRestoreDurationMs ?? 0);
}

function formatText(event: PlatformEvent): string | null {
  switch (event.kind) {
    case "init-start":
      return `INIT_START Runtime Version: ${event.runtimeVersion}\tRuntime Version ARN: ${event.runtimeVersionArn}`;
    case "init-report":
      // On demand the duration of a good Init is in REPORT, and nowhere else in the text.
      if (event.report.status.kind === "success" && event.report.initializationType === "on-demand") return null;
      return `INIT_REPORT Init Duration: ${milliseconds(event.report.durationMs)}${initStatusText(event.report)}`;
    case "restore-start":
      return `RESTORE_START Runtime Version: ${event.runtimeVersion}\tRuntime Version ARN: ${event.runtimeVersionArn}`;
    case "restore-report":
      return `RESTORE_REPORT Restore Duration: ${milliseconds(event.durationMs)}${statusText(event.status)}`;
    case "subscription":
      return `${event.api.toUpperCase()}\tName: ${event.name}\tState: Subscribed\tTypes: [${event.types.map(capitalise).join(", ")}]`;
    case "init-runtime-done":
    case "restore-runtime-done":
    case "runtime-done":
    case "fault":
    case "logs-dropped":
      return null;
    case "extension":
      return `EXTENSION\tName: ${event.name}\tState: ${event.state}\tEvents: [${event.events.join(", ")}]${event.errorType === null ? "" : `\tError Type: ${event.errorType}`}`;
    case "start":
      return `START RequestId: ${event.requestId} Version: ${event.version}`;
    case "end":
      return `END RequestId: ${event.requestId}`;
    case "report":
      return formatReportText(event.report);
  }
}

function capitalise(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}

function formatReportText(report: InvokeReport): string {
  const fields = [
    `REPORT RequestId: ${report.requestId}`,
    `Duration: ${milliseconds(report.durationMs)}`,
    `Billed Duration: ${billedDurationMs(report)} ms`,
    `Memory Size: ${report.memorySizeMib} MB`,
    `Max Memory Used: ${report.memoryMaxMib} MB`,
  ];
  if (report.initDurationMs !== null) fields.push(`Init Duration: ${milliseconds(report.initDurationMs)}`);
  if (report.restoreDurationMs !== null) fields.push(`Restore Duration: ${milliseconds(report.restoreDurationMs)}`);
  if (report.billedRestoreDurationMs !== null)
    fields.push(`Billed Restore Duration: ${report.billedRestoreDurationMs} ms`);
  if (report.status.kind !== "success") fields.push(statusText(report.status).slice(1));
  return `${fields.join("\t")}\t${traceText(report.trace)}`;
}

function milliseconds(durationMs: number): string {
  return `${durationMs.toFixed(2)} ms`;
}

function statusText(status: PhaseStatus): string {
  switch (status.kind) {
    case "success":
      return "";
    case "timeout":
      return "\tStatus: timeout";
    case "error":
      return `\tStatus: error\tError Type: ${status.errorType}`;
  }
}

function initStatusText(report: InitReport): string {
  return report.status.kind === "success" ? "" : `\tPhase: ${report.phase}${statusText(report.status)}`;
}

function formatJson(event: PlatformEvent, nowMs: number): string | null {
  const body = platformRecord(event);
  if (body === null) return null;
  return JSON.stringify({ time: new Date(nowMs).toISOString(), type: body.type, record: body.record });
}

export interface PlatformRecord {
  readonly type: string;
  readonly record: Readonly<Record<string, unknown>>;
}

/** Returns an event in the Telemetry API's schema. Null where that has none of its kind. */
export function platformRecord(event: PlatformEvent): PlatformRecord | null {
  switch (event.kind) {
    case "init-start":
    case "init-runtime-done":
    case "init-report":
    case "restore-start":
    case "restore-runtime-done":
    case "restore-report":
      return phaseRecord(event);
    case "end":
    case "fault":
      return null;
    case "subscription":
      return {
        type: `platform.${event.api}Subscription`,
        record: { name: event.name, state: "Subscribed", types: event.types },
      };
    case "runtime-done": {
      const { requestId, status, durationMs, producedBytes, spans } = event;
      const metrics = { durationMs: round(durationMs), ...(producedBytes === null ? {} : { producedBytes }) };
      return {
        type: "platform.runtimeDone",
        record: { requestId, ...jsonStatus(status), metrics, spans: spans.map(jsonSpan), ...traceFields(event.trace) },
      };
    }
    case "logs-dropped": {
      const { reason, droppedRecords, droppedBytes } = event;
      return { type: "platform.logsDropped", record: { reason, droppedRecords, droppedBytes } };
    }
    case "extension": {
      const { name, state, events, errorType } = event;
      return {
        type: "platform.extension",
        record: { name, state, events, ...(errorType === null ? {} : { errorType }) },
      };
    }
    case "start":
      return {
        type: "platform.start",
        record: { requestId: event.requestId, version: event.version, ...traceFields(event.trace) },
      };
    case "report":
      return {
        type: "platform.report",
        record: {
          requestId: event.report.requestId,
          ...jsonStatus(event.report.status),
          metrics: jsonMetrics(event.report),
          ...(event.report.extensionOverhead === undefined
            ? {}
            : { spans: [jsonSpan(event.report.extensionOverhead)] }),
          ...traceFields(event.report.trace),
        },
      };
  }
}

type PhaseEvent = Extract<PlatformEvent, { readonly kind: `init-${string}` | `restore-${string}` }>;

function phaseRecord(event: PhaseEvent): PlatformRecord {
  switch (event.kind) {
    case "init-start":
      return {
        type: "platform.initStart",
        record: {
          initializationType: event.initializationType,
          phase: event.phase,
          functionName: event.functionName,
          functionVersion: event.version,
          runtimeVersion: event.runtimeVersion,
          runtimeVersionArn: event.runtimeVersionArn,
        },
      };
    case "init-runtime-done": {
      const { initializationType, phase, status } = event;
      return { type: "platform.initRuntimeDone", record: { initializationType, phase, ...jsonStatus(status) } };
    }
    case "init-report": {
      const { initializationType, phase, status, durationMs } = event.report;
      return {
        type: "platform.initReport",
        record: { initializationType, phase, ...jsonStatus(status), metrics: { durationMs: round(durationMs) } },
      };
    }
    case "restore-start":
      return {
        type: "platform.restoreStart",
        record: {
          functionName: event.functionName,
          functionVersion: event.version,
          runtimeVersion: event.runtimeVersion,
          runtimeVersionArn: event.runtimeVersionArn,
        },
      };
    case "restore-runtime-done":
      return { type: "platform.restoreRuntimeDone", record: jsonStatus(event.status) };
    case "restore-report":
      return {
        type: "platform.restoreReport",
        record: { ...jsonStatus(event.status), metrics: { durationMs: round(event.durationMs) } },
      };
  }
}

function jsonMetrics(report: InvokeReport): Record<string, number> {
  return {
    durationMs: round(report.durationMs),
    billedDurationMs: billedDurationMs(report),
    memorySizeMB: report.memorySizeMib,
    maxMemoryUsedMB: report.memoryMaxMib,
    ...(report.initDurationMs === null ? {} : { initDurationMs: round(report.initDurationMs) }),
    ...(report.restoreDurationMs === null ? {} : { restoreDurationMs: round(report.restoreDurationMs) }),
  };
}

/** AWS calls what went wrong with the sandbox itself a failure (rapid/handlers.go of its emulator). */
function jsonStatus(status: PhaseStatus): Record<string, string> {
  if (status.kind !== "error") return { status: status.kind };
  const { errorType } = status;
  return { status: errorType.startsWith("Sandbox.") ? "failure" : "error", errorType };
}

function jsonSpan({ name, startAtMs, durationMs }: Span): Record<string, unknown> {
  return { name, start: new Date(startAtMs).toISOString(), durationMs: round(durationMs) };
}

function round(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}

/**
 * AWS's platform log lines: text with tabs (docs/reference/snapstart-behaviour.md 5.1), or JSON by the Telemetry schema
 * (5.2, 5.3). Pure: values in, one message out. Durations in milliseconds.
 */
export interface RuntimeVersionInfo {
  readonly runtimeVersion: string;
  readonly runtimeVersionArn: string;
}

export type PhaseStatus =
  | { readonly kind: "success" }
  | { readonly kind: "timeout" }
  | { readonly kind: "error"; readonly errorType: string };

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
  | { readonly kind: "start"; readonly requestId: string; readonly version: string }
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

function formatText(event: PlatformEvent): string {
  switch (event.kind) {
    case "init-start":
      return `INIT_START Runtime Version: ${event.runtimeVersion}\tRuntime Version ARN: ${event.runtimeVersionArn}`;
    case "init-report":
      return `INIT_REPORT Init Duration: ${milliseconds(event.report.durationMs)}${initStatusText(event.report)}`;
    case "restore-start":
      return `RESTORE_START Runtime Version: ${event.runtimeVersion}\tRuntime Version ARN: ${event.runtimeVersionArn}`;
    case "restore-report":
      return `RESTORE_REPORT Restore Duration: ${milliseconds(event.durationMs)}${statusText(event.status)}`;
    case "start":
      return `START RequestId: ${event.requestId} Version: ${event.version}`;
    case "end":
      return `END RequestId: ${event.requestId}`;
    case "report":
      return formatReportText(event.report);
  }
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
  return `${fields.join("\t")}\t`;
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
  const body = jsonBody(event);
  if (body === null) return null;
  return JSON.stringify({ time: new Date(nowMs).toISOString(), type: body.type, record: body.record });
}

function jsonBody(event: PlatformEvent): { readonly type: string; readonly record: Record<string, unknown> } | null {
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
    case "restore-report":
      return {
        type: "platform.restoreReport",
        record: { ...jsonStatus(event.status), metrics: { durationMs: round(event.durationMs) } },
      };
    case "start":
      return { type: "platform.start", record: { requestId: event.requestId, version: event.version } };
    case "end":
      return null;
    case "report":
      return {
        type: "platform.report",
        record: {
          requestId: event.report.requestId,
          ...jsonStatus(event.report.status),
          metrics: jsonMetrics(event.report),
        },
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

function jsonStatus(status: PhaseStatus): Record<string, string> {
  return status.kind === "error" ? { status: "error", errorType: status.errorType } : { status: status.kind };
}

function round(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}

/**
 * What subscribers of the Telemetry API and of the Logs API get: one event, in the form of the subscription's API and
 * schema version (environment-behaviour, section 3.2; docs/reference/snapstart-behaviour.md, 5.3). Pure.
 */
import { type PlatformEvent, platformRecord } from "./platform-log.ts";

export type TelemetryEvent = { readonly timeMs: number } & (
  | { readonly type: "platform"; readonly event: PlatformEvent }
  /** A line of the runtime's or an extension's output. */
  | { readonly type: "function" | "extension"; readonly line: string }
);

/** The form in which a subscription wants its events. */
export interface TelemetryForm {
  readonly api: "telemetry" | "logs";
  readonly schemaVersion: string;
  /** True with LogFormat JSON: lines that are objects are told as such, from the schema 2022-12-13 on. */
  readonly isJson: boolean;
}

interface Shown {
  readonly type: string;
  readonly record: unknown;
}

/** Writes an event; null where this form has none of its kind. */
export function writeTelemetry(event: TelemetryEvent, form: TelemetryForm): string | null {
  const shown = event.type === "platform" ? platformIn(event.event, form) : lineIn(event.type, event.line, form);
  return shown === null ? null : JSON.stringify({ time: new Date(event.timeMs).toISOString(), ...shown });
}

function lineIn(type: string, line: string, { api, schemaVersion, isJson }: TelemetryForm): Shown {
  if (!isJson || api === "logs" || schemaVersion < "2022-12-13") return { type, record: line };
  return { type, record: toObject(line) ?? line };
}

function toObject(line: string): object | null {
  if (!line.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function platformIn(event: PlatformEvent, { api, schemaVersion }: TelemetryForm): Shown | null {
  if (api === "telemetry") return platformRecord(event);
  switch (event.kind) {
    case "init-start":
    case "init-runtime-done":
    case "init-report":
    case "restore-start":
    case "restore-runtime-done":
    case "restore-report":
      return null;
    case "end":
      return { type: "platform.end", record: { requestId: event.requestId } };
    case "fault":
      return { type: "platform.fault", record: event.text };
    case "runtime-done":
      // The schema of 2021 has it, with its result only.
      if (schemaVersion < "2021-03-18") return null;
      return {
        type: "platform.runtimeDone",
        record: { requestId: event.requestId, status: event.status.kind === "error" ? "failure" : event.status.kind },
      };
    case "report": {
      const { record, type } = platformRecord(event) ?? { record: {}, type: "" };
      return { type, record: { requestId: event.report.requestId, metrics: record["metrics"] } };
    }
    default:
      return platformRecord(event);
  }
}

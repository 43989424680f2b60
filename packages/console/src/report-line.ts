/** The platform's line at the end of an invoke, as text and as JSON: what it counts, in few words. */
import { inMilliseconds } from "./words.ts";

export interface ReportLine {
  readonly requestId: string;
  /** Name and value of each number that there is. */
  readonly facts: ReadonlyArray<readonly [name: string, value: string]>;
}

const LENGTH_MAX = 4096;
const START = "REPORT RequestId: ";

/** Null: it is none. Only what the platform wrote may be asked: a function can print a line like it. */
export function readReport(text: string): ReportLine | null {
  if (text.length > LENGTH_MAX) return null;
  return text.startsWith(START) ? ofText(text) : ofJson(text);
}

function ofText(text: string): ReportLine {
  const members = new Map<string, string>();
  for (const member of text.split("\t")) {
    const at = member.indexOf(": ");
    if (at !== -1) members.set(member.slice(0, at), member.slice(at + 2).trim());
  }
  return {
    requestId: members.get("REPORT RequestId") ?? "",
    facts: factsOf({
      duration: members.get("Duration"),
      init: members.get("Init Duration"),
      restore: members.get("Restore Duration"),
      used: members.get("Max Memory Used"),
      size: members.get("Memory Size"),
      status: members.get("Status"),
    }),
  };
}

function ofJson(text: string): ReportLine | null {
  if (!text.includes('"platform.report"')) return null;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  const { type, record } = document as { readonly type?: unknown; readonly record?: Readonly<Record<string, unknown>> };
  if (type !== "platform.report" || typeof record !== "object" || record === null) return null;
  const metrics = (record["metrics"] ?? {}) as Readonly<Record<string, unknown>>;
  const ms = (name: string): string | undefined => {
    const value = metrics[name];
    return typeof value === "number" ? inMilliseconds(value) : undefined;
  };
  const mb = (name: string): string | undefined => {
    const value = metrics[name];
    return typeof value === "number" ? `${value} MB` : undefined;
  };
  const status = record["status"];
  return {
    requestId: String(record["requestId"] ?? ""),
    facts: factsOf({
      duration: ms("durationMs"),
      init: ms("initDurationMs"),
      restore: ms("restoreDurationMs"),
      used: mb("maxMemoryUsedMB"),
      size: mb("memorySizeMB"),
      status: typeof status === "string" && status !== "success" ? status : undefined,
    }),
  };
}

function factsOf(found: {
  readonly duration: string | undefined;
  readonly init: string | undefined;
  readonly restore: string | undefined;
  readonly used: string | undefined;
  readonly size: string | undefined;
  readonly status: string | undefined;
}): ReadonlyArray<readonly [string, string]> {
  const { duration, init, restore, used, size, status } = found;
  const memory = used === undefined ? undefined : size === undefined ? used : `${used} of ${size}`;
  const all = [
    ["status", status],
    ["duration", duration],
    ["memory", memory],
    ["restore", restore],
    ["init", init],
  ] as const;
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

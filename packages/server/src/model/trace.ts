/** The trace that X-Ray's header names: `Root=…;Parent=…;Sampled=0|1`. Its lineage is in trace-header.ts. */

export interface Trace {
  /** The header as the function sees it. */
  readonly value: string;
  readonly root: string;
  /** The segment of the invocation; null where the header names none. */
  readonly segmentId: string | null;
  readonly isSampled: boolean;
}

const ROOT = /^1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}$/;
const SEGMENT = /^[0-9a-fA-F]{16}$/;
const PARENT = "Parent=";

/** Reads a header; null where it names no trace. */
export function readTrace(value: string | null): Trace | null {
  const parts = value?.split(";").map((part) => part.trim()) ?? [];
  const find = (name: string): string => parts.find((part) => part.startsWith(name))?.slice(name.length) ?? "";
  const root = find("Root=");
  if (value === null || !ROOT.test(root)) return null;
  const parent = find(PARENT);
  return { value, root, segmentId: SEGMENT.test(parent) ? parent : null, isSampled: find("Sampled=") === "1" };
}

/**
 * Makes a segment of the function's own the parent of what it traces, as AWS does where TracingConfig.Mode is Active
 * (environment-behaviour, section 1.2). PassThrough hands the caller's on.
 */
export function withSegment(value: string, segmentId: string): string {
  const parts = value.split(";").filter((part) => part !== "" && !part.trim().startsWith(PARENT));
  const at = parts.findIndex((part) => part.trim().startsWith("Root=")) + 1;
  return [...parts.slice(0, at), `${PARENT}${segmentId}`, ...parts.slice(at)].join(";");
}

/** Cold starts by version and kind, with the figures that people compare. */
import type { InvocationSummary } from "@thaw/thaw-api/invocations";

export interface StartGroup {
  readonly version: string;
  readonly start: "restored" | "initialised";
  /** The newest first. */
  readonly starts: ReadonlyArray<{ readonly requestId: string; readonly totalMs: number }>;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** Groups cold invokes that were answered: by version, the newest first, restores before Inits. */
export function groupStarts(invocations: readonly InvocationSummary[]): readonly StartGroup[] {
  const groups = new Map<string, InvocationSummary[]>();
  for (const invocation of invocations) {
    const { version, start, outcome } = invocation;
    if (outcome !== "success" || (start !== "restored" && start !== "initialised")) continue;
    const key = `${version} ${start}`;
    groups.set(key, [...(groups.get(key) ?? []), invocation]);
  }
  return [...groups.values()].map(groupOf).toSorted(inOrder);
}

function groupOf(own: readonly InvocationSummary[]): StartGroup {
  const sorted = own.map(({ totalMs }) => totalMs).toSorted((a, b) => a - b);
  return {
    version: own[0]?.version ?? "",
    start: own[0]?.start === "restored" ? "restored" : "initialised",
    starts: own.map(({ requestId, totalMs }) => ({ requestId, totalMs })),
    p50Ms: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
    minMs: quantile(sorted, 0),
    maxMs: quantile(sorted, 1),
  };
}

/** Of at least one value, as `thaw compare` has it: between two values the line between them counts. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? 0;
  return below + (above - below) * (place - Math.floor(place));
}

function inOrder(a: StartGroup, b: StartGroup): number {
  const byVersion = numberOf(b.version) - numberOf(a.version);
  return byVersion === 0 ? b.start.localeCompare(a.start) : byVersion;
}

/** `$LATEST` is the newest. */
function numberOf(version: string): number {
  return /^\d+$/.test(version) ? Number(version) : Number.MAX_SAFE_INTEGER;
}

/** A step of an axis up to `endMs`: 1, 2 or 5 times a power of ten, so that there are at most six. */
export function tickStep(endMs: number): number {
  const rough = Math.max(endMs, 1) / 6;
  const power = 10 ** Math.max(Math.ceil(Math.log10(rough)) - 1, 0);
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power;
}

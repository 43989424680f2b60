/** Cold starts by version and kind, with the figures that people compare. */
import type { InvocationSummary } from "@thaw/thaw-api/invocations";
import { type Distribution, distributionOf } from "@thaw/thaw-api/statistics";

export interface StartGroup {
  readonly version: string;
  readonly start: "restored" | "initialised";
  /** The newest first. */
  readonly starts: readonly InvocationSummary[];
  readonly totalMs: Distribution;
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
  return [...groups.values()].flatMap(groupOf).toSorted(inOrder);
}

function groupOf(own: readonly InvocationSummary[]): readonly StartGroup[] {
  const totalMs = distributionOf(own.map((each) => each.totalMs));
  const [first] = own;
  if (first === undefined || totalMs === null) return [];
  const start = first.start === "restored" ? "restored" : "initialised";
  return [{ version: first.version, start, starts: own, totalMs }];
}

function inOrder(a: StartGroup, b: StartGroup): number {
  const byVersion = numberOf(b.version) - numberOf(a.version);
  return byVersion === 0 ? b.start.localeCompare(a.start) : byVersion;
}

/** `$LATEST` is the newest. */
function numberOf(version: string): number {
  return /^\d+$/.test(version) ? Number(version) : Number.MAX_SAFE_INTEGER;
}

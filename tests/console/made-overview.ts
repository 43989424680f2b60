/** An overview as a server with many functions gives it, all of them in use. */
import { OVERVIEW_CHART_MINUTES, type Overview, type OverviewFunction } from "@thaw/thaw-api/series";

const functionOf = (at: number): OverviewFunction => ({
  functionName: `orders-${String(at).padStart(4, "0")}`,
  description: "Takes an order, and says when it will be there",
  runtime: "nodejs24.x",
  memorySizeMib: 512,
  lastModified: "2026-11-30T09:00:00.000+0000",
  newestVersion: "7",
  versions: 7,
  hasSnapStart: true,
  snapshot: { version: "7", status: "ready", reason: null },
  aliases: [
    { name: "live", version: "7" },
    { name: "next", version: "8" },
  ],
  environments: at % 3,
  counts: { invocations: 900 + at, errors: at % 5, throttles: 0, platformErrors: 0, coldStarts: at % 7 },
  chart: Array.from({ length: OVERVIEW_CHART_MINUTES }, (_, minute) => 1 + ((at + minute) % 60)),
  restoreP50Ms: 40 + (at % 100),
  lastInvokedAtMs: 1,
});

export function overviewOf(functions: number): Overview {
  return { atMs: 1, functions: Array.from({ length: functions }, (_, at) => functionOf(at)), invocations: [] };
}

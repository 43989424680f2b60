/** Figures that are looked up when they are asked for. */
import { statfs } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import type { Worker } from "../ports/worker.ts";
import type { Metrics } from "./registry.ts";

export interface HostFigures {
  readonly dataDir: string;
  /** Of this host: the far store is not asked at each scrape. */
  readonly countSnapshots: () => Promise<number>;
}

export function collectHostFigures(metrics: Metrics, worker: Worker, { dataDir, countSnapshots }: HostFigures): void {
  let busy = performance.eventLoopUtilization();
  metrics.collect(() => {
    const now = performance.eventLoopUtilization();
    metrics.set("thaw_event_loop_utilization", performance.eventLoopUtilization(now, busy).utilization);
    busy = now;
    metrics.set("thaw_resident_memory_bytes", process.memoryUsage.rss());
    metrics.set("thaw_uptime_seconds", process.uptime());
  });
  metrics.collect(async () => {
    const { environments } = await worker.report();
    const counts = new Map<string, number>();
    for (const { state } of environments) counts.set(state, (counts.get(state) ?? 0) + 1);
    metrics.reset("thaw_environments");
    for (const [state, count] of counts) metrics.set("thaw_environments", count, { state });
  });
  metrics.collect(async () => metrics.set("thaw_snapshots", await countSnapshots()));
  metrics.collect(async () => {
    const { bavail, bsize } = await statfs(dataDir);
    metrics.set("thaw_data_free_bytes", bavail * bsize);
  });
}

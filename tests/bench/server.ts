/** The server alone: its start, and what it holds when idle. */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { pidOf, startThaw } from "../../tools/thaw-server.ts";
import type { Series } from "./series.ts";

const STARTS = 5;
const IDLE_MS = 1000;

export async function measureServer(): Promise<Series[]> {
  const starts: number[] = [];
  const resident: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const startMs = performance.now();
    const server = await startThaw();
    starts.push(performance.now() - startMs);
    // It collects what the start has left when it listens.
    await setTimeout(IDLE_MS);
    const status = readFileSync(`/proc/${pidOf(server.pid, "server")}/status`, "utf8");
    resident.push(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    await server.remove();
  }
  return [
    { name: "server: start until it listens", unit: "ms", values: starts },
    { name: "server: resident when idle", unit: "MB", values: resident },
  ];
}

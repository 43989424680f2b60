/** The server alone: its start, and what it holds when idle. */
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { pidOf, startThaw } from "../../tools/thaw-server.ts";
import { processorMs, proportionalMib } from "./processor.ts";
import type { Series } from "./series.ts";

const STARTS = 5;
const IDLE_MS = 1000;

export async function measureServer(): Promise<Series[]> {
  const starts: number[] = [];
  const processor: number[] = [];
  const resident: number[] = [];
  const whole: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const startMs = performance.now();
    const server = await startThaw();
    starts.push(performance.now() - startMs);
    processor.push(processorMs(server));
    // It collects what the start has left when it listens.
    await setTimeout(IDLE_MS);
    const status = readFileSync(`/proc/${pidOf(server.pid, "server")}/status`, "utf8");
    resident.push(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    whole.push(proportionalMib(server));
    await server.remove();
  }
  return [
    { name: "server: start until it listens", unit: "ms", values: starts },
    { name: "server: start, processor time of all its processes", unit: "ms", values: processor },
    { name: "server: all its processes when idle, proportional", unit: "MiB", values: whole },
    { name: "server: resident when idle", unit: "MB", values: resident },
  ];
}

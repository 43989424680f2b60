/** The server alone: its start, and what it holds when idle. */
import { readFileSync } from "node:fs";
import { childrenOf } from "../../tools/processes.ts";
import { startThaw } from "../../tools/thaw-server.ts";
import type { Series } from "./series.ts";

const STARTS = 5;

export async function measureServer(): Promise<Series[]> {
  const starts: number[] = [];
  const resident: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const startMs = performance.now();
    const server = await startThaw();
    starts.push(performance.now() - startMs);
    const process_ = childrenOf(server.pid).find((child) => child.command.includes("serve.ts"));
    const status = readFileSync(`/proc/${process_?.pid ?? 0}/status`, "utf8");
    resident.push(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    await server.remove();
  }
  return [
    { name: "server: start until it listens", unit: "ms", values: starts },
    { name: "server: resident when idle", unit: "MB", values: resident },
  ];
}

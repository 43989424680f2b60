/**
 * Stock CRIU alone, with the JVM's default flags: all memory read before the processes run, and its own lazy daemon.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY, startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { copyFunction } from "./copy.ts";
import type { Series } from "./series.ts";
import { coldInvokes, deploy, SPRING, type Subject } from "./subjects.ts";

const COLD = 20;
/**
 * What Thaw sets for SnapStart, back to the JVM's own defaults: this variable, no valid name for a function's, wins
 * over the command line.
 */
const DEFAULT_FLAGS = `#!/bin/sh
export _JAVA_OPTIONS="-Xms28m -XX:MinHeapFreeRatio=40 -XX:MaxHeapFreeRatio=70 -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=1"
exec "$@"
`;
const STOCK: Subject = { ...SPRING, name: "orders-stock" };

/** sandboxd with stock CRIU's modes, which no release has; optimised like one. */
const BINARIES = join(REPOSITORY, "target/x86_64-unknown-linux-gnu/stock");

function buildStockBinaries(): void {
  const packages = ["thaw-sandboxd", "thaw-pager", "thaw-supervisor"].flatMap((name) => ["-p", name]);
  const args = ["build", "--locked", "--profile", "stock", ...packages, "--features", "thaw-sandboxd/bench"];
  execFileSync("cargo", args, { cwd: REPOSITORY, stdio: ["ignore", "ignore", "pipe"] });
}

export async function measureStock(): Promise<Series[]> {
  buildStockBinaries();
  const series: Series[] = [];
  for (const memory of ["stock-eager", "stock-lazy"]) {
    const server = await startThaw({
      args: ["--parked-clones", "0"],
      env: { THAW_BINARIES: BINARIES, THAW_BENCH_MEMORY: memory },
    });
    try {
      const functions = new TestFunctions(server, { keepAlive: true });
      await deploy(server, "samples/spring/template.yml");
      await copyFunction(functions, SPRING.name, STOCK.name, { variables: {}, wrapper: DEFAULT_FLAGS });
      const version = await functions.publish(STOCK.name);
      const cold = await coldInvokes(functions, STOCK, version, COLD + 1);
      series.push({
        name: `Spring Boot, ${memory} CRIU, JVM's default flags: cold, at the client`,
        unit: "ms",
        values: cold.slice(1).map((each) => each.clientMs),
      });
    } finally {
      await server.remove();
    }
  }
  return series;
}

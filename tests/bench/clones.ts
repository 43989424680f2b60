/** Many clones of one snapshot at once, and what an idle one costs. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";
import { coldInvokes, deploy, restoreTraces, SPRING, timedInvoke } from "./subjects.ts";

const AT_ONCE = 20;
const ROUNDS = 5;
const LEARNING = 6;
const MIB = 1024 * 1024;
const CGROUPS = "/sys/fs/cgroup";

/** Anonymous memory of each sandbox, as its control group counts it. */
function sandboxMemory(): number[] {
  const isV2 = existsSync(join(CGROUPS, "cgroup.controllers"));
  const base = isV2 ? CGROUPS : join(CGROUPS, "memory");
  const key = isV2 ? "anon" : "rss";
  return globSync(isV2 ? "**/thaw-*/sb-*/memory.stat" : "thaw/*/sb-*/memory.stat", { cwd: base }).map((file) =>
    Number(new RegExp(`^${key} (\\d+)$`, "m").exec(readFileSync(join(base, file), "utf8"))?.[1]),
  );
}

/** Of all processors since the machine began, as far as they were at work. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

export async function measureClones(): Promise<Series[]> {
  const server = await startThaw({ args: ["--memory-max-mib", "65536", "--pool", "24", "--parked-clones", "0"] });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    await deploy(server, "samples/spring/template.yml");
    await coldInvokes(functions, SPRING, "live", LEARNING);
    const one = await coldInvokes(functions, SPRING, "live", ROUNDS);
    const all: number[] = [];
    const memory: number[] = [];
    const busy: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await functions.stopEnvironments(SPRING.name);
      // Twenty sandboxes are made ahead, two a second on a small machine.
      await new Promise((next) => setTimeout(next, 8000));
      const from = server.output().length;
      const [startMs, busyBeforeMs] = [performance.now(), busyMs()];
      await Promise.all(Array.from({ length: AT_ONCE }, () => timedInvoke(functions, SPRING, "live")));
      all.push(performance.now() - startMs);
      busy.push((busyMs() - busyBeforeMs) / AT_ONCE);
      await restoreTraces(server, functions, { from, count: AT_ONCE });
      memory.push(
        ...sandboxMemory()
          .filter((bytes) => bytes > MIB)
          .map((bytes) => bytes / MIB),
      );
    }
    return [
      { name: "one cold invoke, at the client", unit: "ms", values: one.map((each) => each.clientMs) },
      { name: `${AT_ONCE} cold invokes at once, until all are answered`, unit: "ms", values: all },
      { name: "work of all processors meanwhile, for each of them", unit: "ms", values: busy },
      { name: "memory of an idle clone", unit: "MiB", values: memory },
    ];
  } finally {
    await server.remove();
  }
}

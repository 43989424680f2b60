/** A host that has nothing: its first invoke of a version, whose snapshot lies in S3 with 10 ms to each answer. */
import { setTimeout as pause } from "node:timers/promises";
import { startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { startColdHost } from "../support/hosts.ts";
import { noS3, S3Server } from "../support/s3-server.ts";
import type { Series } from "./series.ts";
import { coldInvokes, deploy, memorySeries, phaseSeries, type RestoreTrace, restoreTraces, SPRING, timedInvoke } from "./subjects.ts";

const HOSTS = 10;
const COLD = 10;
/** Recordings end with the fifth; the chunks are laid out by the working set after the second and then. */
const LEARNING = 6;
const DELAY_MS = 10;
/** A host that has just started makes sandboxes ahead, and looks the store over. */
const START_MS = 3000;
const MB = 1e6;

export async function measureColdHost(): Promise<Series[]> {
  if (noS3 !== null) throw new Error(noS3);
  const s3 = await S3Server.start();
  const settings = s3.settings("bench");
  const options = { args: [...settings.args, "--parked-clones", "0"], env: settings.env };
  const first = await startThaw(options);
  try {
    const functions = new TestFunctions(first, { keepAlive: true });
    await deploy(first, "samples/spring/template.yml");
    await coldInvokes(functions, SPRING, "live", LEARNING);
    const warm = await coldInvokes(functions, SPRING, "live", COLD);
    await first.stop();
    s3.delayMs = DELAY_MS;
    const cold: number[] = [];
    const fetched: number[] = [];
    const beyond: number[] = [];
    const traces: RestoreTrace[] = [];
    for (let i = 0; i < HOSTS; i++) {
      const host = await startColdHost(first, options);
      try {
        const there = new TestFunctions(host, { keepAlive: true });
        await pause(START_MS);
        s3.chunkBytes = 0;
        cold.push((await timedInvoke(there, SPRING, "live")).clientMs);
        const bytes = s3.chunkBytes;
        const [trace] = await restoreTraces(host, there, 0, 1);
        if (trace !== undefined) traces.push(trace);
        const pages = trace?.memory?.pages ?? Number.NaN;
        fetched.push(bytes / MB);
        beyond.push((100 * (bytes - pages * 4096)) / (pages * 4096));
      } finally {
        await host.remove();
      }
    }
    return [
      { name: "Spring Boot: cold, on a host that has its snapshot, at the client", unit: "ms", values: warm.map((each) => each.clientMs) },
      { name: `Spring Boot: cold, on a host that has nothing (S3, ${DELAY_MS} ms), at the client`, unit: "ms", values: cold },
      ...phaseSeries("Spring Boot, on a host that has nothing", traces, ["prepare", "sandbox", "criu", "hooks", "firstResponse"]),
      ...memorySeries("Spring Boot, on a host that has nothing", traces),
      { name: "Spring Boot: fetched before the first response", unit: "MB", values: fetched },
      { name: "Spring Boot: fetched beyond the working set, of it", unit: "%", values: beyond },
    ];
  } finally {
    await first.remove();
    await s3.stop();
  }
}

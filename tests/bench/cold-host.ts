/**
 * A host that has nothing of a version: its first invoke there. The snapshot lies in S3 with 10 ms to each answer. In
 * every other host no invoke was ever served; the others have served another function, and have this version's chunks
 * to fetch.
 */
import { setTimeout as pause } from "node:timers/promises";
import { startThaw, type ThawServer, type ThawServerOptions } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { startColdHost } from "../support/hosts.ts";
import { noS3, S3Server } from "../support/s3-server.ts";
import type { Series } from "./series.ts";
import {
  coldInvokes,
  deploy,
  memorySeries,
  NODE,
  phaseSeries,
  type RestoreTrace,
  restoreTraces,
  SPRING,
  timedInvoke,
} from "./subjects.ts";

/** Of each kind. */
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
    await deploy(first, "samples/nodejs/template.yml");
    await coldInvokes(functions, NODE, "live", LEARNING);
    await coldInvokes(functions, SPRING, "live", LEARNING);
    const warm = await coldInvokes(functions, SPRING, "live", COLD);
    await first.stop();
    s3.delayMs = DELAY_MS;
    const kinds = [
      new ColdHosts("that was just started", false),
      new ColdHosts("that has served another function", true),
    ];
    for (let i = 0; i < HOSTS; i++) for (const kind of kinds) await kind.measure(s3, first, options);
    return [
      {
        name: "Spring Boot: cold, on a host that has its snapshot, at the client",
        unit: "ms",
        values: warm.map((each) => each.clientMs),
      },
      ...kinds.flatMap((kind) => kind.series()),
    ];
  } finally {
    await first.remove();
    await s3.stop();
  }
}

class ColdHosts {
  readonly #label: string;
  readonly #hasServed: boolean;
  readonly #clientMs: number[] = [];
  readonly #fetchedMb: number[] = [];
  readonly #beyondPercent: number[] = [];
  readonly #traces: RestoreTrace[] = [];

  constructor(label: string, hasServed: boolean) {
    this.#label = `Spring Boot, on a host ${label}`;
    this.#hasServed = hasServed;
  }

  async measure(s3: S3Server, first: ThawServer, options: ThawServerOptions): Promise<void> {
    const host = await startColdHost(first, options);
    try {
      const functions = new TestFunctions(host, { keepAlive: true });
      await pause(START_MS);
      if (this.#hasServed) await coldInvokes(functions, NODE, "live", 2);
      const from = host.output().length;
      s3.chunkBytes = 0;
      this.#clientMs.push((await timedInvoke(functions, SPRING, "live")).clientMs);
      const bytes = s3.chunkBytes;
      const [trace] = await restoreTraces(host, functions, { from, count: 1, name: SPRING.name });
      if (trace !== undefined) this.#traces.push(trace);
      const working = (trace?.memory?.pages ?? Number.NaN) * 4096;
      this.#fetchedMb.push(bytes / MB);
      this.#beyondPercent.push((100 * (bytes - working)) / working);
    } finally {
      await host.remove();
    }
  }

  series(): Series[] {
    return [
      { name: `${this.#label}: cold (S3, ${DELAY_MS} ms), at the client`, unit: "ms", values: this.#clientMs },
      ...phaseSeries(this.#label, this.#traces, ["prepare", "sandbox", "criu", "hooks", "firstResponse"]),
      ...memorySeries(this.#label, this.#traces),
      { name: `${this.#label}: fetched before the first response`, unit: "MB", values: this.#fetchedMb },
      { name: `${this.#label}: fetched beyond the working set, of it`, unit: "%", values: this.#beyondPercent },
    ];
  }
}

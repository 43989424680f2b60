/**
 * What decryption is of a cold invoke: nothing where another clone has read the chunks; here a new pager has to read
 * all of them.
 */
import { setTimeout as pause } from "node:timers/promises";
import { pidOf, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import type { Series } from "./series.ts";
import { coldInvokes, deploy, type RestoreTrace, restoreTraces, SPRING } from "./subjects.ts";

const COLD = 20;
const LEARNING = 6;
const PAGER_LIFE_MS = 1200;

export async function measureEncryption(): Promise<Series[]> {
  const server = await startThaw({ args: ["--parked-clones", "0"] });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    await deploy(server, "samples/spring/template.yml");
    await coldInvokes(functions, SPRING, "live", LEARNING);
    const cold: number[] = [];
    const traces: RestoreTrace[] = [];
    for (let i = 0; i < COLD; i++) {
      await renewPager(server, functions);
      const from = server.output().length;
      cold.push(...(await coldInvokes(functions, SPRING, "live", 1)).map((each) => each.clientMs));
      traces.push(...(await restoreTraces(server, functions, { from, count: 1 })));
    }
    const decrypt = traces.map((trace) => trace.memory?.decryptMs ?? Number.NaN);
    return [
      { name: "Spring Boot: cold, with a pager that has read no chunk, at the client", unit: "ms", values: cold },
      { name: "Spring Boot: of it authenticating and decrypting", unit: "ms", values: decrypt },
      {
        name: "Spring Boot: the same, share",
        unit: "%",
        values: decrypt.map((value, index) => (100 * value) / (cold[index] ?? Number.NaN)),
      },
    ];
  } finally {
    await server.remove();
  }
}

async function renewPager(server: ThawServer, functions: TestFunctions): Promise<void> {
  await functions.stopEnvironments(SPRING.name);
  const old = pidOf(server.pid, "pager");
  if (old === undefined) throw new Error("there is no pager");
  // One that ends sooner is not followed by another before a restore needs it.
  await pause(PAGER_LIFE_MS);
  process.kill(old, "SIGKILL");
  await functions.eventually("another pager", async () => {
    await pause(20);
    const pid = pidOf(server.pid, "pager");
    return pid !== undefined && pid !== old;
  });
}

// alone: attacks the host, and measures that a neighbour goes on in time
/**
 * Process states made to break the one who saves or restores them. Each ends within its time: the clone works, or the
 * version fails with a reason; the neighbour answers all the while, and the next function is published as ever.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, program, PROVIDED, publishOutcome, withNeighbour } from "./harness.ts";

const SOURCE = readFileSync(join(REPOSITORY, "tests/hostile/programs/state.py"), "utf8");
const CASES = [...SOURCE.matchAll(/^def (\w+)\(\):/gm)].map((match) => match[1] ?? "");

/** CRIU saves these and can't restore them: the invoke is answered so, at once, and nothing else notices. */
const MAY_NOT_RESTORE = new Set(["memfd_executed"]);

let functions: TestFunctions;
let neighbour: Neighbour;
withNeighbour((made, other) => {
  functions = made;
  neighbour = other;
});

it.each(CASES)("%s", async (CASE) => {
  const options = { ...PROVIDED, MemorySize: 512, Environment: { Variables: { CASE } } };
  const name = await functions.createSnapStart({ bootstrap: program("state") }, options);
  const published = await neighbour.during(publishOutcome(functions, name));
  if (published.state !== "Active") {
    if (!published.reasonCode || !published.reason) throw new Error(JSON.stringify(published));
    return;
  }
  const invoke = async (): Promise<Readonly<Record<string, unknown>>> =>
    (await functions.invoke(name, {}, published.version)).payload as never;
  if (MAY_NOT_RESTORE.has(CASE)) {
    const answer = await neighbour.during(invoke().catch((error: unknown) => error));
    if (
      answer instanceof Error &&
      answer.name === "ServiceException" &&
      answer.message.includes("could not be restored")
    )
      return;
  }
  const [one, two] = await neighbour.during(Promise.all([invoke(), invoke()]));
  if (one?.["case"] !== CASE || Number(one["uid"]) < 100_000 || JSON.stringify(one) !== JSON.stringify(two))
    throw new Error(JSON.stringify([one, two]));
  await functions.stopEnvironments(name);
});

it("after all of them, others are published and restored as ever", async () => {
  const name = await functions.createSnapStart({ bootstrap: program("forge") }, PROVIDED);
  const version = await functions.publish(name);
  const { log } = await functions.invoke(name, { try: "wait", seconds: 0 }, version);
  if (!log.includes("Restore Duration")) throw new Error(log);
});

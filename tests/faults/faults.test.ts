// matrix: a restart of the server for each fault point
/**
 * The fault matrix: point × (error, delay, kill) × operation, on the real engine. `npm test` runs each point once; `npm
 * run faults` all.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { BUILD_TIMEOUT_MS, buildFaultBinaries } from "./fault-build.ts";
import { FaultHost } from "./fault-host.ts";
import { FAULTS } from "./fault-control.ts";
import { BESIDE, COMBINATIONS, PATHS, POINTS, representativeSlice } from "./matrix.ts";
import { createEventsFunction, OPERATION, OPERATIONS, publishedFunction, type Subject } from "./operations.ts";
import { runCombination } from "./run-combination.ts";

const IS_WHOLE = process.env["THAW_FAULT_MATRIX"] === "whole";
const chosen = IS_WHOLE ? COMBINATIONS : representativeSlice();

let host: FaultHost;
let witness: Subject;

async function begin(): Promise<void> {
  host = new FaultHost();
  await host.start();
  await createEventsFunction(host);
  witness = await publishedFunction(host);
}

async function end(): Promise<void> {
  await host.stop();
  host.remove();
}

beforeAll(async () => {
  buildFaultBinaries();
  await begin();
}, BUILD_TIMEOUT_MS);

afterAll(end);

it("passes the points that the matrix says, and no others", async ({ expect }) => {
  for (const name of OPERATIONS) {
    // What the one before has removed is collected behind its answer, and passes points of its own.
    await host.until(`all is done before ${name}`, () => host.storage.unfinished().length === 0);
    const subject = await OPERATION[name].prepare(host);
    host.control.clearTrace();
    await OPERATION[name].run(host, subject);
    const missing = (): string[] => PATHS[name].filter((point) => !host.control.trace().includes(point));
    await host.until(`${name} passes all its points`, () => missing().length === 0).catch(() => undefined);
    expect(missing(), `not passed by ${name}`).toEqual([]);
    const others = host.control
      .trace()
      .filter((point) => !PATHS[name].includes(point) && !BESIDE[name].includes(point));
    expect(others, `passed by ${name}, and not in the matrix`).toEqual([]);
    await OPERATION[name].settle(host, subject, { ok: null }, null);
  }
});

describe("a fault", () => {
  it.for(chosen)("$operation, $point: $fault", async (combination) => {
    try {
      await runCombination(host, combination, witness);
    } catch (error) {
      const output = host.output().slice(-6000);
      await end();
      await begin();
      throw new Error(`${(error as Error).message}\n${output}`, { cause: error });
    }
  });
});

// What is left on the machine is looked for when all files have ended (support/leak-check.ts).
it("leaves nothing stored that nobody names", async ({ expect }) => {
  await host.stop();
  await host.start();
  const stored = (): string[] => [
    ...host.storage.faults(),
    ...host.storage.leftovers("near"),
    ...host.storage.leftovers("far"),
  ];
  await host.until("nothing unnamed is stored", () => stored().length === 0).catch(() => undefined);
  expect(stored()).toEqual([]);
  const cells = POINTS.length * FAULTS.length * OPERATIONS.length;
  process.stdout.write(
    `fault matrix: ${POINTS.length} points × ${FAULTS.length} faults × ${OPERATIONS.length} operations = ${cells} cells; ` +
      `${COMBINATIONS.length} where the operation passes the point; ${chosen.length} of these run${IS_WHOLE ? "" : " (all: npm run faults)"}\n`,
  );
});
